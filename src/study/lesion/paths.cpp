#include "study/lesion/paths.hpp"

#include "base/error.hpp"
#include "graph/differentiate.hpp"
#include "graph/rewrite.hpp"
#include "models/watch.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace resnet {
namespace {

std::string gate_name(std::size_t block, bool branch) {
  return text_of("gate/", block, branch ? "/branch" : "/shortcut");
}

/// x, whose gradient is the arriving one times `gate` ([N, C]): stop(x) + (gate x - stop(gate x)), where the difference
/// is exactly 0.
Value gated(Graph& graph, const std::string& name, Value x, Value gate) {
  const auto node = [&](const char* suffix, Op op, std::vector<Value> inputs) {
    return graph.add_node(name + suffix, std::move(op), std::move(inputs))[0];
  };
  const bool image = graph[x].shape.rank() > 2;
  const Value scaled = node(".scaled", image ? Op(ScaleChannels{}) : Op(Binary{BinaryKind::multiply}), {x, gate});
  const Value nothing =
      node(".nothing", Binary{BinaryKind::subtract}, {scaled, node(".still", StopGradient{}, {scaled})});
  return node(".gated", Binary{BinaryKind::add}, {node(".value", StopGradient{}, {x}), nothing});
}

}  // namespace

Graph path_graph(const Graph& loss, std::size_t& blocks) {
  const WatchedGraph watched = watch(loss);
  blocks = watched.blocks.size();
  std::map<Value, std::string> gates;  // by the copy that is gated
  for (std::size_t index = 0; index < blocks; ++index) {
    gates[watched.blocks[index].branch_input] = gate_name(index, true);
    gates[watched.blocks[index].shortcut_input] = gate_name(index, false);
  }
  Rewriter to(watched.graph);
  for (const Node& node : watched.graph.nodes()) {
    const auto gate = gates.find(node.outputs[0]);
    if (gate == gates.end()) {
      to.copy(node);
      continue;
    }
    const Value x = to[node.inputs[0]];
    const Shape& shape = to.result()[x].shape;
    const Value factor = to.result().add_input(gate->second, {shape.n(), shape.c()});
    to.map(node.outputs[0], gated(to.result(), node.name, x, factor));
  }
  Graph graph = to.finish();
  const Value images = *graph.find("images"), mean = *graph.find("loss");
  const Fill each{.shape = {1}, .value = static_cast<double>(graph[images].shape.n())};
  const Value seed = graph.add_node("each", each, {}, Phase::backward)[0];
  graph.add_output("gradient", differentiate(graph, {{mean, seed}}, {images}).at(images));
  return graph;
}

PathGradients::PathGradients(const ModelSpec& spec, State& state, int64_t batch, const CompileOptions& options) {
  const Graph graph = path_graph(loss_graph(spec, batch, Mode::inference), blocks_);
  if (blocks_ == 0) fail_usage("lesion: ", spec.name, " has no residual blocks, and one path only");
  for (std::size_t block = 0; block < blocks_; ++block)
    channels_.push_back(graph[*graph.find(gate_name(block, true))].shape.c());
  program_ = compile(graph, state, options);
}

std::vector<double> PathGradients::run(const Tensor& images, const Tensor& labels,
                                       std::span<const std::vector<bool>> through) {
  const int64_t count = images.shape().n();
  for (std::size_t block = 0; block < blocks_; ++block)
    for (const bool branch : {true, false}) {
      Tensor gate({count, channels_[block]});
      const auto channels = static_cast<std::size_t>(channels_[block]);
      for (std::size_t image = 0; image < through.size(); ++image)
        std::ranges::fill(gate.data<float>().subspan(image * channels, channels),
                          through[image][block] == branch ? 1.0f : 0.0f);
      program_->set_input(gate_name(block, branch), gate);
    }
  program_->set_input("images", images);
  program_->set_input("labels", labels);
  program_->run();
  const Tensor all = convert(gradients(), DType::f64);
  const auto pixels = static_cast<std::size_t>(all.elements() / count);
  std::vector<double> norms;
  for (std::size_t image = 0; image < static_cast<std::size_t>(count); ++image) {
    double sum = 0;
    for (const double x : all.data<double>().subspan(image * pixels, pixels)) sum += x * x;
    norms.push_back(std::sqrt(sum));
  }
  return norms;
}

double log_paths(std::size_t blocks, std::size_t length) {
  const auto log_factorial = [](std::size_t n) { return std::lgamma(static_cast<double>(n) + 1); };
  return log_factorial(blocks) - log_factorial(length) - log_factorial(blocks - length);
}

}  // namespace resnet
