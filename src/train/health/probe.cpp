// The graph that is looked at, and running it; what is read from a run is in probe_figures.cpp.
#include "train/health/probe.hpp"

#include "base/error.hpp"
#include "base/random.hpp"
#include "graph/differentiate.hpp"
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"
#include "train/health/probe_sums.hpp"
#include "train/stages.hpp"

#include <algorithm>

namespace resnet {
namespace {

/// Without what learns as it runs: a probe leaves running statistics alone.
Graph without_updates(const Graph& graph) {
  Rewriter to(graph);
  for (const Node& node : graph.nodes())
    if (!std::holds_alternative<UpdateRunning>(node.op)) to.copy(node);
  return to.finish();
}

bool is_unary(const Node& node, UnaryKind kind) {
  const auto* unary = std::get_if<Unary>(&node.op);
  return unary && unary->kind == kind;
}

bool is_relu(const Node& node) { return is_unary(node, UnaryKind::relu); }

bool is_product(const Node& node) {
  const auto* binary = std::get_if<Binary>(&node.op);
  return std::holds_alternative<ScaleChannels>(node.op) || (binary && binary->kind == BinaryKind::multiply);
}

/// Of a node of the graph: as many come before it.
int64_t place_of(const Graph& graph, const Node& node) { return &node - graph.nodes().data(); }

std::string output_name(Value value) { return text_of("value/", value.id); }
std::string gradient_name(Value value) { return text_of("gradient/", value.id); }

}  // namespace

HealthProbe::HealthProbe(const ModelSpec& spec, const Recipe& recipe, State& state, uint64_t seed, int64_t batch,
                         const CompileOptions& options)
    : recipe_(recipe), state_(state), seed_(seed), batch_(batch), sums_(std::make_unique<Sums>()) {
  const Graph whole = loss_graph(spec, batch, Mode::training, static_cast<float>(recipe.label_smoothing));
  initialise(state, whole, seed);
  frozen_ = frozen_parameters(whole, recipe);
  rate_scales_ = rate_scales(whole, recipe);
  const Graph graph = frozen_.empty() ? whole : freeze(whole, frozen_);
  find_running(graph);
  watched_ = watch(without_updates(graph));
  random_ = watched_.graph.find("random_key").has_value();
  find_layers(watched_.graph);
  find_norms(watched_.graph);
  find_relus(watched_.graph);
  find_sigmoids(watched_.graph);
  observe();
  compile_graph(options);
  classes_ = static_cast<std::size_t>(spec.classes);
  clear();
}

HealthProbe::~HealthProbe() = default;

void HealthProbe::clear() {
  *sums_ = {};
  sums_->layers.resize(watched_.layers.size());
  sums_->norms.resize(norms_.size());
  sums_->relus.resize(relus_.size());
  sums_->saturated.resize(sigmoids_.size());
  sums_->blocks.resize(watched_.blocks.size());
  sums_->parameters.resize(parameters_.size());
  sums_->labels.resize(classes_);
}

/// Which statistics a batch norm keeps is said by the nodes that update them.
void HealthProbe::find_running(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (!std::holds_alternative<UpdateRunning>(node.op)) continue;
    const Node& norm = graph.nodes()[static_cast<std::size_t>(graph[node.inputs[1]].producer)];
    auto& [mean, var] = running_[norm.name];
    (norm.outputs[1] == node.inputs[1] ? mean : var) = graph[node.inputs[0]].name;
  }
}

void HealthProbe::find_layers(const Graph& forward) {
  for (const WatchedLayer& layer : watched_.layers) {
    const auto node = std::ranges::find(forward.nodes(), layer.name, &Node::name);
    raw_.push_back(node->outputs[0]);
    places_.push_back(place_of(forward, *node));
    normed_.push_back(std::ranges::any_of(forward.nodes(), [&](const Node& next) {
      return (std::holds_alternative<BatchNorm>(next.op) || std::holds_alternative<BatchNormInference>(next.op)) &&
             next.inputs[0] == raw_.back();
    }));
  }
}

void HealthProbe::find_norms(const Graph& forward) {
  for (const Node& node : forward.nodes()) {
    const auto* norm = std::get_if<BatchNorm>(&node.op);
    if (!norm) continue;
    const auto running = running_.find(node.name);
    const auto [mean, var] = running == running_.end() ? std::pair<std::string, std::string>() : running->second;
    norms_.push_back(
        {.name = node.name,
         .gamma = forward[node.inputs[1]].name,
         .beta = forward[node.inputs[2]].name,
         .running_mean = mean,
         .running_var = var,
         .mean = node.outputs[1],
         .var = node.outputs[2],
         .epsilon = norm->epsilon,
         .relu = std::ranges::any_of(
             forward.nodes(), [&](const Node& next) { return is_relu(next) && next.inputs[0] == node.outputs[0]; }),
         .place = place_of(forward, node)});
  }
}

void HealthProbe::find_relus(const Graph& forward) {
  for (const Node& node : forward.nodes()) {
    if (!is_relu(node)) continue;
    const auto layer = std::ranges::find(watched_.layers, node.outputs[0], &WatchedLayer::output);
    const auto block = std::ranges::find(watched_.blocks, node.outputs[0], &WatchedBlock::output);
    relus_.push_back({.name = block != watched_.blocks.end() ? block->name + ", after the addition" : node.name,
                      .output = node.outputs[0],
                      .layer = static_cast<std::size_t>(layer - watched_.layers.begin()),
                      .place = place_of(forward, node)});
  }
}

void HealthProbe::find_sigmoids(const Graph& forward) {
  for (const Node& node : forward.nodes()) {
    if (!is_unary(node, UnaryKind::sigmoid)) continue;
    const bool gate = std::ranges::any_of(forward.nodes(), [&](const Node& next) {
      return is_product(next) && std::ranges::find(next.inputs, node.outputs[0]) != next.inputs.end();
    });
    if (!gate) sigmoids_.push_back({.name = node.name, .output = node.outputs[0], .place = place_of(forward, node)});
  }
}

double HealthProbe::rate_scale(const std::string& parameter) const {
  const auto scale = rate_scales_.find(parameter);
  return scale == rate_scales_.end() ? 1.0 : static_cast<double>(scale->second);
}

/// A value may be asked for twice, and may already be an output of the network.
void HealthProbe::see(Value value) {
  if (!watched_.graph.find(output_name(value))) watched_.graph.add_output(output_name(value), value);
}

void HealthProbe::observe() {
  for (std::size_t index = 0; index < watched_.layers.size(); ++index) {
    see(raw_[index]);
    see(watched_.layers[index].output);
  }
  see(watched_.layers.front().input);
  for (const Norm& norm : norms_) {
    see(norm.mean);
    see(norm.var);
  }
  for (const Relu& relu : relus_) see(relu.output);
  for (const Sigmoid& sigmoid : sigmoids_) see(sigmoid.output);
  for (const WatchedBlock& block : watched_.blocks) {
    see(block.branch);
    see(block.shortcut);
  }
}

void HealthProbe::compile_graph(const CompileOptions& options) {
  Graph& graph = watched_.graph;
  std::vector<Value> wanted;
  for (const Value parameter : graph.parameters()) {
    parameters_.push_back(parameter);
    if (!frozen_.contains(graph[parameter].name)) wanted.push_back(parameter);
  }
  for (const WatchedLayer& layer : watched_.layers) wanted.push_back(layer.input);
  for (const WatchedBlock& block : watched_.blocks)
    wanted.insert(wanted.end(), {block.branch_input, block.shortcut_input});
  gradients_ = differentiate(graph, {{*graph.find("loss"), {}}}, wanted);
  for (const auto& [value, gradient] : gradients_) graph.add_output(gradient_name(value), gradient);
  program_ = compile(graph, state_, options);
}

Tensor HealthProbe::value(Value value) const { return program_->output(output_name(value)); }

std::optional<Tensor> HealthProbe::gradient(Value value) const {
  if (!gradients_.contains(value)) return std::nullopt;
  return program_->output(gradient_name(value));
}

void HealthProbe::run(const Tensor& images, const Tensor& labels) {
  program_->set_input("images", images);
  program_->set_input("labels", labels);
  if (random_) {
    Tensor key(Shape{1}, DType::i64);
    key.data<int64_t>()[0] = static_cast<int64_t>(stream_key(seed_, "probe", {sums_->batches}));
    program_->set_input("random_key", key);
  }
  program_->run();
}

double HealthProbe::add(const Tensor& images, const Tensor& labels) {
  run(images, labels);
  ++sums_->batches;
  add_input(images);
  add_layers();
  add_norms();
  add_blocks();
  add_parameters();
  add_output(labels);
  return program_->output("loss").data<float>()[0];
}

void HealthProbe::add_path(const Tensor& images, const Tensor& labels) {
  Tensor line(images.shape()), same = labels;
  const std::span<const float> from = images.data<float>();
  const std::size_t size = from.size() / static_cast<std::size_t>(batch_);
  for (std::size_t n = 0; n < static_cast<std::size_t>(batch_); ++n) {
    const float share = static_cast<float>(n) / static_cast<float>(std::max<int64_t>(batch_ - 1, 1));
    for (std::size_t i = 0; i < size; ++i)
      line.data<float>()[n * size + i] = from[i] + share * (from[size + i] - from[i]);
    same.data<int32_t>()[n] = labels.data<int32_t>()[0];
  }
  run(line, same);
  sums_->path_step = 1.0 / static_cast<double>(std::max<int64_t>(batch_ - 1, 1));
  for (std::size_t index = 0; index < watched_.layers.size(); ++index)
    if (const std::optional<Tensor> dx = gradient(watched_.layers[index].input))
      sums_->layers[index].correlation = neighbour_cosine(*dx);
}

double HealthProbe::loss_after_step(const Tensor& images, const Tensor& labels, double rate) {
  run(images, labels);
  std::map<std::string, Tensor> kept;
  for (const Value parameter : parameters_) {
    const std::optional<Tensor> dw = gradient(parameter);
    if (!dw) continue;
    const std::string& name = watched_.graph[parameter].name;
    const double own_rate = rate * rate_scale(name);
    Tensor& weight = state_.at(name);
    kept.emplace(name, weight);
    const std::span<float> w = weight.data<float>();
    for (std::size_t i = 0; i < w.size(); ++i) w[i] -= static_cast<float>(own_rate * dw->data<float>()[i]);
  }
  state_.touch();
  run(images, labels);
  const double loss = program_->output("loss").data<float>()[0];
  for (const auto& [name, tensor] : kept) std::ranges::copy(tensor.bytes(), state_.at(name).bytes().begin());
  state_.touch();
  return loss;
}

}  // namespace resnet
