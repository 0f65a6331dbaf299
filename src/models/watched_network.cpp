#include "base/error.hpp"
#include "graph/differentiate.hpp"
#include "models/watch.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace resnet {

WatchedNetwork::WatchedNetwork(const Graph& forward, const std::string& seeded, State& state,
                               const CompileOptions& options)
    : watched_(watch(forward)) {
  Graph& graph = watched_.graph;
  std::vector<Value> wanted;
  for (const WatchedLayer& layer : watched_.layers) {
    wanted.insert(wanted.end(), {layer.input, layer.weight});
    if (layer.bias) wanted.push_back(layer.bias);
    observe(layer.output);
  }
  for (const WatchedBlock& block : watched_.blocks) {
    wanted.insert(wanted.end(), {block.input, block.branch_input, block.shortcut_input, block.sum, block.output});
    for (const Value value : {block.input, block.branch, block.sum, block.output}) observe(value);
  }
  wanted.insert(wanted.end(), watched_.joined.begin(), watched_.joined.end());
  const auto output = std::ranges::find(graph.outputs(), seeded, &Output::name);
  if (output == graph.outputs().end()) fail("watch: there is no output '", seeded, "'");
  const Value seed = graph.find("dy").value_or(Value{});
  const std::map<Value, Value> gradients = differentiate(graph, {{output->value, seed}}, wanted);
  gradients_.resize(graph.values().size());
  for (const auto& [value, gradient] : gradients) {
    gradients_[static_cast<std::size_t>(value.id)] = gradient;
    graph.add_output(text_of("gradient/", value.id), gradient);
  }
  program_ = compile(graph, state, options);
}

void WatchedNetwork::observe(Value value) {
  const std::string name = text_of("value/", value.id);
  if (!watched_.graph.find(name)) watched_.graph.add_output(name, value);
}

Tensor WatchedNetwork::value(Value value) const { return program_->output(text_of("value/", value.id)); }

std::optional<Tensor> WatchedNetwork::gradient(Value value) const {
  if (!gradients_[static_cast<std::size_t>(value.id)]) return std::nullopt;
  return program_->output(text_of("gradient/", value.id));
}

double WatchedNetwork::norm(Value at) const { return frobenius_norm(value(at)); }

double WatchedNetwork::gradient_norm(Value at) const {
  const std::optional<Tensor> found = gradient(at);
  return found ? frobenius_norm(*found) : 0;
}

LayerNorms WatchedNetwork::layer(std::size_t index) const {
  const WatchedLayer& layer = watched_.layers[index];
  return {.output = norm(layer.output),
          .dw = gradient_norm(layer.weight),
          .db = layer.bias ? gradient_norm(layer.bias) : 0,
          .dx = gradient_norm(layer.input)};
}

BlockNorms WatchedNetwork::block(std::size_t index) const {
  const WatchedBlock& block = watched_.blocks[index];
  return {.input = norm(block.input),
          .branch = norm(block.branch),
          .sum = norm(block.sum),
          .output = norm(block.output),
          .dy = gradient_norm(block.sum),
          .dx = gradient_norm(block.input),
          .dx_branch = gradient_norm(block.branch_input),
          .dx_shortcut = gradient_norm(block.shortcut_input),
          .d_output = gradient_norm(block.output)};
}

namespace {

template <class T>
double norm_of(std::span<const T> values) {
  constexpr double smallest = 1e-280, largest = 1e280;  // between these no square has overflowed or vanished
  double sum = 0;
  for (const T x : values) sum += static_cast<double>(x) * static_cast<double>(x);
  if (sum > smallest && sum < largest) return std::sqrt(sum);
  double top = 0;
  for (const T x : values) top = std::max(top, std::abs(static_cast<double>(x)));
  if (!(top > 0) || !std::isfinite(top)) return std::sqrt(sum);
  sum = 0;
  for (const T x : values) sum += static_cast<double>(x) / top * (static_cast<double>(x) / top);
  return top * std::sqrt(sum);
}

}  // namespace

double frobenius_norm(const Tensor& tensor) {
  return tensor.dtype() == DType::f64 ? norm_of(tensor.data<double>()) : norm_of(tensor.data<float>());
}

}  // namespace resnet
