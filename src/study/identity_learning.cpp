// Plain and residual networks that are trained to give back their input.
//
// Inputs are normal vectors of `width` numbers, new ones in each step. Hidden layers have 2 * width units: x is then
// exactly relu(x) - relu(-x), and relu(I h) = h for h >= 0, so that networks of every depth and kind can represent the
// identity without error, the added layers being the identity (He et al. 2015, section 1).
#include "study/identity.hpp"

#include "base/error.hpp"
#include "graph/passes.hpp"
#include "models/model.hpp"
#include "models/watch.hpp"
#include "runtime/executable.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace resnet {
namespace {

constexpr double rates[] = {1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10};
constexpr int64_t tuning_seeds = 5, seeds_in_a_piece = 10, curve_points = 20;
constexpr float momentum = 0.9f;

ModelSpec spec_of(const IdentityOptions& options, IdentityKind kind, int64_t depth) {
  const bool plain = kind == IdentityKind::plain;
  const int64_t blocks = options.count == "blocks" ? depth : (depth - 2) / 2;
  const bool residual = !plain && blocks > 0;
  return {.name = std::string(name_of(kind)),
          .family = Family::fully_connected,
          .input = {static_cast<int>(options.width), 1, 1},
          .classes = static_cast<int>(options.width),
          .shortcut = residual ? Shortcut::option_a : Shortcut::none,
          .width = static_cast<int>(2 * options.width),
          .depth = static_cast<int>(residual ? blocks : depth)};
}

int64_t layers_of(const ModelSpec& spec) { return spec.residual() ? 2 * spec.depth + 2 : spec.depth; }

Graph network_graph(const ModelSpec& spec, int64_t batch) {
  Builder net(Mode::training);
  const Value x = net.input("x", {batch, spec.input.elements()});
  net.observe("y", build_network(net, spec, x));
  return net.take();
}

/// One step of SGD on the mean of (y - x)^2; the output "difference" is y - x.
Graph training_graph_of(const ModelSpec& spec, int64_t batch) {
  Graph graph = fuse(network_graph(spec, batch));
  const Value x = *graph.find("x"), y = *graph.find("y");
  const Value difference = graph.add_node("difference", Binary{.kind = BinaryKind::subtract}, {y, x})[0];
  graph.add_output("difference", difference);
  const auto factor = static_cast<float>(2.0 / static_cast<double>(graph[y].shape.elements()));
  const Value dy = graph.add_node("dy", Unary{.kind = UnaryKind::affine, .a = factor}, {difference})[0];
  return add_updates(graph, differentiate(graph, {{y, dy}}, graph.parameters()), {.momentum = momentum});
}

/// |F(x)| / |x| of the blocks of a network with the weights that `state` has at the time.
class BranchProbe {
 public:
  BranchProbe(const Graph& forward, State& state) : watched_(watch(forward)) {
    for (std::size_t k = 0; k < watched_.blocks.size(); ++k) {
      watched_.graph.add_output(text_of("input/", k), watched_.blocks[k].input);
      watched_.graph.add_output(text_of("branch/", k), watched_.blocks[k].branch);
    }
    program_ = compile(watched_.graph, state);
  }

  double median_share(const Tensor& x) {
    program_->set_input("x", x);
    program_->run();
    std::vector<double> shares;
    for (std::size_t k = 0; k < watched_.blocks.size(); ++k)
      shares.push_back(frobenius_norm(program_->output(text_of("branch/", k))) /
                       frobenius_norm(program_->output(text_of("input/", k))));
    return quartiles(shares).median;
  }

 private:
  WatchedGraph watched_;
  std::unique_ptr<Executable> program_;
};

struct Learned {
  std::vector<double> curve;
  double final_error = 0, branch_at_start = 0, branch_at_end = 0;
};

/// One compiled network for many runs, each with weights and inputs of its own.
class Learner {
 public:
  Learner(const IdentityOptions& options, IdentityKind kind, int64_t depth)
      : options_(options),
        spec_(spec_of(options, kind, depth)),
        scale_(kind == IdentityKind::near_identity ? options.scale : 1),
        graph_(training_graph_of(spec_, options.batch)),
        inputs_(Shape{options.batch, options.width}) {
    initialise(state_, graph_, 0);
    program_ = compile(graph_, state_);
    if (spec_.residual()) probe_.emplace(network_graph(spec_, options.batch), state_);
  }

  /// Weights and inputs follow from `seed`: those of the first and the last layer, and the inputs, are the same for
  /// every kind.
  Learned run(uint64_t seed, double rate) {
    start(seed);
    Rng rng(seed, "inputs");
    Tensor learning_rate(Shape{1});
    learning_rate.data<float>()[0] = static_cast<float>(rate);
    program_->set_input("learning_rate", learning_rate);
    Learned learned;
    learned.branch_at_start = branch_share(seed);
    std::vector<double> losses;
    while (static_cast<int64_t>(losses.size()) < options_.steps) {
      losses.push_back(step(rng));
      if (!(losses.back() < diverged_loss)) break;
    }
    if (!(losses.back() < diverged_loss)) losses.back() = diverged_loss;
    losses.resize(static_cast<std::size_t>(options_.steps), losses.back());
    const int64_t points = std::min(curve_points, options_.steps);
    for (int64_t k = 0; k < points; ++k)
      learned.curve.push_back(mean(losses, k * options_.steps / points, (k + 1) * options_.steps / points));
    learned.final_error = mean(losses, options_.steps - std::max<int64_t>(1, options_.steps / 10), options_.steps);
    learned.branch_at_end = branch_share(seed);
    return learned;
  }

 private:
  static double mean(const std::vector<double>& values, int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t k = begin; k < end; ++k) sum += values[static_cast<std::size_t>(k)];
    return sum / static_cast<double>(end - begin);
  }

  void start(uint64_t seed) {
    State fresh;
    initialise(fresh, graph_, seed);
    for (const auto& [name, tensor] : fresh.tensors()) {
      const std::span<float> values = state_.at(name).data<float>();
      std::ranges::copy(tensor.data<float>(), values.begin());
      if (name.starts_with("blocks.") && name.ends_with(".weight"))
        for (float& w : values) w = static_cast<float>(w * scale_);
    }
    state_.touch();
  }

  void draw(Rng& rng) {
    for (float& x : inputs_.data<float>()) x = static_cast<float>(rng.normal());
  }

  double step(Rng& rng) {
    draw(rng);
    program_->set_input("x", inputs_);
    program_->run();
    const Tensor difference = program_->output("difference");
    double sum = 0;
    for (const float d : difference.data<float>()) sum += double{d} * double{d};
    return sum / static_cast<double>(difference.elements());
  }

  double branch_share(uint64_t seed) {
    if (!probe_) return 0;
    Rng rng(seed, "probe");
    draw(rng);
    return probe_->median_share(inputs_);
  }

  IdentityOptions options_;
  ModelSpec spec_;
  double scale_;
  Graph graph_;
  State state_;
  Tensor inputs_;
  std::unique_ptr<Executable> program_;
  std::optional<BranchProbe> probe_;
};

struct Place {
  IdentityKind kind;
  int64_t depth;
  std::string key() const { return text_of(name_of(kind), "/", depth); }
};

std::vector<Place> places_of(const IdentityOptions& options) {
  std::vector<Place> places;
  for (const IdentityKind kind : identity_kinds)
    for (const int64_t depth : options.depths) places.push_back({kind, depth});
  return places;
}

/// For each place and rate the final errors of seeds that are not among those measured afterwards.
std::vector<std::vector<IdentityTuning>> tune(const IdentityOptions& options, const std::vector<Place>& places,
                                              StudyRun& run) {
  constexpr std::size_t count = std::size(rates);
  std::vector<std::string> keys;
  for (const Place& place : places)
    for (const double rate : rates) keys.push_back(text_of("tune/", place.key(), "/", rate));
  const PieceKind kind{.label = "learning rates", .unit = "trainings", .units_each = tuning_seeds};
  const std::vector<Json> found = run.pieces(kind, keys, [&](std::size_t index) {
    const Place& place = places[index / count];
    Learner learner(options, place.kind, place.depth);
    std::vector<double> errors;
    for (uint64_t k = 0; k < tuning_seeds; ++k)
      errors.push_back(learner.run(stream_key(run.seed(), "identity/tuning", {k}), rates[index % count]).final_error);
    return Json(errors);
  });
  std::vector<std::vector<IdentityTuning>> tuned(places.size());
  for (std::size_t index = 0; index < found.size(); ++index) {
    const auto errors = found[index].get<std::vector<double>>();
    tuned[index / count].push_back({rates[index % count], std::ranges::max(errors), quartiles(errors).median});
  }
  return tuned;
}

Json train_piece(const IdentityOptions& options, const LearnedIdentity& place, int64_t first, uint64_t seed) {
  Learner learner(options, place.kind, place.depth);
  Json runs = Json::array();
  for (int64_t k = first; k < std::min(first + seeds_in_a_piece, options.seeds); ++k) {
    const Learned learned = learner.run(stream_key(seed, "identity/trial", {static_cast<uint64_t>(k)}), place.rate);
    runs.push_back({{"final", learned.final_error},
                    {"start", learned.branch_at_start},
                    {"end", learned.branch_at_end},
                    {"curve", learned.curve}});
  }
  return runs;
}

/// A number that was not finite is null in a piece.
double number_of(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

void add_runs(LearnedIdentity& place, const Json& runs) {
  for (const Json& one : runs) {
    place.finals.push_back(one["final"].get<double>());
    place.branch_at_start.push_back(number_of(one["start"]));
    place.branch_at_end.push_back(number_of(one["end"]));
    place.curves.push_back(one["curve"].get<std::vector<double>>());
  }
}

LearnedIdentity described(const IdentityOptions& options, const Place& place, std::vector<IdentityTuning> tuning) {
  const ModelSpec spec = spec_of(options, place.kind, place.depth);
  LearnedIdentity learned{.kind = place.kind, .depth = place.depth, .layers = layers_of(spec)};
  learned.parameters = network_graph(spec, 1).parameter_count();
  // By the largest error first, so that a rate at which some trainings diverge is not chosen if there is another.
  const auto quality = [](const IdentityTuning& tried) { return std::pair(tried.largest, tried.median); };
  learned.rate = std::ranges::min_element(tuning, {}, quality)->rate;
  learned.tuning = std::move(tuning);
  const int64_t points = std::min(curve_points, options.steps);
  for (int64_t k = 0; k < points; ++k)
    learned.steps.push_back(static_cast<double>(k * options.steps / points + (k + 1) * options.steps / points) / 2);
  return learned;
}

}  // namespace

std::vector<LearnedIdentity> learn_identities(const IdentityOptions& options, StudyRun& run) {
  run.pin_kernels();
  const std::vector<Place> places = places_of(options);
  std::vector<std::vector<IdentityTuning>> tuned = tune(options, places, run);
  std::vector<LearnedIdentity> all;
  for (std::size_t k = 0; k < places.size(); ++k) all.push_back(described(options, places[k], std::move(tuned[k])));
  const auto pieces = static_cast<std::size_t>((options.seeds + seeds_in_a_piece - 1) / seeds_in_a_piece);
  std::vector<std::string> keys;
  for (const Place& place : places)
    for (std::size_t k = 0; k < pieces; ++k) keys.push_back(text_of("learn/", place.key(), "/", k));
  const PieceKind kind{
      .label = "learning", .unit = "trainings", .units_each = std::min(seeds_in_a_piece, options.seeds)};
  const std::vector<Json> found = run.pieces(kind, keys, [&](std::size_t index) {
    return train_piece(options, all[index / pieces], static_cast<int64_t>(index % pieces) * seeds_in_a_piece,
                       run.seed());
  });
  for (std::size_t index = 0; index < found.size(); ++index) add_runs(all[index / pieces], found[index]);
  return all;
}

}  // namespace resnet
