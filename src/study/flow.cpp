#include "study/flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

/// Trials of a piece: about a second of work.
constexpr int64_t trials_each = 50;

struct Compared {
  FlowKind kind;
  bool as_many_layers;  // a plain network with the 2d + 2 layers of d blocks
  const char* name;
};
constexpr Compared compared[] = {
    {FlowKind::plain, false, "plain, d layers"},
    {FlowKind::plain, true, "plain, 2d + 2 layers"},
    {FlowKind::residual, false, "residual, d blocks"},
    {FlowKind::plain_norm, true, "plain + BN, 2d + 2 layers"},
    {FlowKind::residual_norm, false, "residual + BN, d blocks"},
    {FlowKind::pre_activation, false, "pre-activation, d blocks"},
};

/// Layers with weights and, where the kind has it, batch norm.
class Layers {
 public:
  Layers(Builder& net, FlowKind kind) : net_(net), norm_(has_norm(kind)) {}

  Value linear(const std::string& name, Value x, int64_t units) {
    return net_.linear(name, x,
                       {.units = static_cast<int>(units), .init = Init::he_normal_fan_in, .bias_init = Init::zeros});
  }
  Value norm_relu(const std::string& name, Value x) { return net_.relu(norm(name, x)); }
  Value norm(const std::string& name, Value x) { return norm_ ? net_.batch_norm(name + ".norm", x) : x; }
  Value layer(const std::string& name, Value x, int64_t units) { return norm_relu(name, linear(name, x, units)); }

 private:
  Builder& net_;
  bool norm_;
};

Value block(Builder& net, FlowKind kind, Value x, int64_t units) {
  Layers layers(net, kind);
  if (kind == FlowKind::pre_activation) {
    const Value h = layers.linear("linear1", layers.norm_relu("linear1", x), units);
    return net.add(layers.linear("linear2", layers.norm_relu("linear2", h), units), x);
  }
  const Value h = layers.layer("linear1", x, units);
  if (kind == FlowKind::residual) return net.add(layers.layer("linear2", h, units), x);
  return net.relu(net.add(layers.norm("linear2", layers.linear("linear2", h, units)), x));
}

std::string piece_key(const Compared& row, int64_t depth, int64_t chunk) {
  return fmt::format("{}/{}/{}", row.name, depth, chunk);
}

FlowNetwork network_of(const Compared& row, const FlowSetting& setting, int64_t depth) {
  return {.kind = row.kind,
          .depth = row.as_many_layers ? 2 * depth + 2 : depth,
          .input_width = setting.input_width,
          .width = setting.width,
          .examples = has_norm(row.kind) ? setting.batch : setting.examples};
}

std::vector<double> ends_of(const std::vector<double>& values) { return {values.front(), values.back()}; }

template <class Quantity>
std::vector<double> logarithms(const std::vector<FlowSample>& samples, Quantity quantity) {
  std::vector<double> values;
  for (const FlowSample& sample : samples)
    if (!sample.dead()) values.push_back(std::log10(quantity(sample)));
  return values;
}

}  // namespace

std::string_view name_of(FlowKind kind) {
  switch (kind) {
    case FlowKind::plain: return "plain";
    case FlowKind::residual: return "residual";
    case FlowKind::plain_norm: return "plain + BN";
    case FlowKind::residual_norm: return "residual + BN";
    case FlowKind::pre_activation: break;
  }
  return "pre-activation";
}

FlowSample sample_of(const WatchedNetwork& network, FlowDetail detail) {
  FlowSample sample;
  const std::size_t layers = network.layers().size(), blocks = network.blocks().size();
  const auto wanted = [&](std::size_t index, std::size_t count) {
    return detail == FlowDetail::all || index == 0 || index + 1 == count;
  };
  const bool chain = blocks == 0 && network.joined().empty();
  for (std::size_t index = 0; index < layers; ++index) {
    if (!wanted(index, layers) && (!chain || index != 1)) continue;
    const LayerNorms norms = network.layer(index);
    sample.dw.push_back(norms.dw);
    if (chain && index > 0) sample.stream.push_back(norms.dx);
  }
  if (blocks == 0)
    for (const Value features : network.joined()) sample.stream.push_back(network.gradient_norm(features));
  for (std::size_t index = 0; index < blocks; ++index) {
    if (!wanted(index, blocks)) continue;
    const BlockNorms norms = network.block(index);
    sample.stream.push_back(norms.dx);
    if (index + 1 == blocks) sample.stream.push_back(norms.d_output);
    if (detail == FlowDetail::ends) continue;
    sample.x.push_back(norms.input);
    sample.shortcut.push_back(norms.dx_shortcut);
    sample.branch.push_back(norms.dx_branch);
  }
  if (detail == FlowDetail::ends) {
    sample.dw = ends_of(sample.dw);
    sample.stream = ends_of(sample.stream);
  }
  return sample;
}

Json to_json(const FlowSample& sample) {
  Json json{{"dw", sample.dw}, {"stream", sample.stream}};
  if (!sample.x.empty()) json.update({{"x", sample.x}, {"shortcut", sample.shortcut}, {"branch", sample.branch}});
  return json;
}

FlowSample flow_sample_from(const Json& json) {
  // An overflow is written as null.
  const auto numbers = [&](const char* key) {
    std::vector<double> values;
    if (json.contains(key))
      for (const Json& value : json.at(key)) values.push_back(value.is_null() ? INFINITY : value.get<double>());
    return values;
  };
  FlowSample sample{numbers("dw"), numbers("stream"), numbers("x"), numbers("shortcut"), numbers("branch")};
  if (sample.dw.empty() || sample.stream.empty()) throw Json::other_error::create(501, "a trial without norms", &json);
  return sample;
}

Graph flow_graph(const FlowNetwork& network) {
  Builder net(Mode::training);
  Layers layers(net, network.kind);
  Value x = net.input("x", {network.examples, network.input_width});
  if (is_residual(network.kind)) {
    // A block of pre-activations begins with its own batch norm and ReLU.
    x = network.kind == FlowKind::pre_activation ? layers.linear("input", x, network.width)
                                                 : layers.layer("input", x, network.width);
    const auto scope = net.scope("blocks");
    for (int64_t index = 0; index < network.depth; ++index) {
      const auto block_scope = net.scope(std::to_string(index));
      x = block(net, network.kind, x, network.width);
    }
  } else {
    x = layers.layer("input", x, network.width);
    const auto scope = net.scope("hidden");
    for (int64_t index = 0; index < network.depth - 2; ++index)
      x = layers.layer(std::to_string(index), x, network.width);
  }
  if (network.kind == FlowKind::pre_activation) x = layers.norm_relu("output", x);
  const Value y = layers.linear("output", x, network.input_width);
  net.observe("y", has_norm(network.kind) ? y : net.relu(y));
  return net.take();
}

FlowTrials::FlowTrials(const FlowNetwork& network, uint64_t seed, FlowDetail detail)
    : network_(network), seed_(seed), detail_(detail), x_(Shape{network.examples, network.input_width}, DType::f64) {
  const Graph graph = flow_graph(network);
  initialise(state_, graph, 0, DType::f64);
  for (const Value parameter : graph.parameters())
    if (graph[parameter].shape.rank() > 1) weights_.push_back(graph[parameter].name);
  watched_ = std::make_unique<WatchedNetwork>(graph, "y", state_,
                                              CompileOptions{.backend = Backend::reference, .compute = DType::f64});
}

FlowSample FlowTrials::run(int64_t trial) {
  const auto stream = [&](const std::string& name) {
    return Rng(
        seed_, "flow." + name,
        {static_cast<uint64_t>(network_.kind), static_cast<uint64_t>(network_.depth), static_cast<uint64_t>(trial)});
  };
  for (const std::string& name : weights_) {
    Tensor& weight = state_.at(name);
    Rng rng = stream(name);
    const double deviation = std::sqrt(2 / static_cast<double>(weight.shape()[1]));
    for (double& w : weight.data<double>()) w = deviation * rng.normal();
  }
  state_.touch();
  Rng rng = stream("x");
  for (double& x : x_.data<double>()) x = rng.normal();
  watched_->program().set_input("x", x_);
  watched_->program().run();
  return sample_of(*watched_, detail_);
}

std::size_t FlowGroup::dead() const {
  return static_cast<std::size_t>(std::ranges::count_if(samples, &FlowSample::dead));
}
std::vector<double> FlowGroup::log_dw_ratio() const {
  return logarithms(samples, [](const FlowSample& s) { return s.dw.front() / s.dw.back(); });
}
std::vector<double> FlowGroup::log_stream_ratio() const {
  return logarithms(samples, [](const FlowSample& s) { return s.stream.front() / s.stream.back(); });
}
std::vector<double> FlowGroup::log_first_dw() const {
  return logarithms(samples, [](const FlowSample& s) { return s.dw.front(); });
}
std::vector<double> FlowGroup::log_first_stream() const {
  return logarithms(samples, [](const FlowSample& s) { return s.stream.front(); });
}

std::vector<FlowGroup> flow_trials(StudyRun& run, const FlowSetting& setting, const std::vector<int64_t>& depths,
                                   FlowDetail detail) {
  struct Piece {
    FlowNetwork network;
    std::size_t group;
    int64_t begin, end;
  };
  std::vector<FlowGroup> groups;
  std::vector<Piece> pieces;
  std::vector<std::string> keys;
  for (const int64_t depth : depths)
    for (const Compared& row : compared) {
      const FlowNetwork network = network_of(row, setting, depth);
      groups.push_back({.name = fmt::format("{}, {} layers", name_of(row.kind), network.layers()),
                        .kind = row.name,
                        .depth = depth,
                        .layers = network.layers(),
                        .examples = network.examples,
                        .paths = is_residual(row.kind) ? Paths::residual : Paths::plain,
                        .norm = has_norm(row.kind),
                        .samples = {}});
      for (int64_t begin = 0; begin < setting.trials; begin += trials_each) {
        pieces.push_back({network, groups.size() - 1, begin, std::min(begin + trials_each, setting.trials)});
        keys.push_back(piece_key(row, depth, begin / trials_each));
      }
    }
  const PieceKind kind{.label = "gradients", .unit = "networks", .units_each = std::min(trials_each, setting.trials)};
  const std::vector<Json> found = run.pieces(kind, keys, [&](std::size_t index) {
    const Piece& piece = pieces[index];
    FlowTrials trials(piece.network, run.seed(), detail);
    Json samples = Json::array();
    for (int64_t trial = piece.begin; trial < piece.end; ++trial) samples.push_back(to_json(trials.run(trial)));
    return samples;
  });
  for (std::size_t index = 0; index < found.size(); ++index)
    for (const Json& sample : found[index]) groups[pieces[index].group].samples.push_back(flow_sample_from(sample));
  return groups;
}

}  // namespace resnet
