// The notebook's near-identity block, many times: weights W = scale * randn * sqrt(2 / width), error |F(x) + x - x|.
#include "study/identity.hpp"

#include "base/error.hpp"
#include "graph/builder.hpp"
#include "runtime/executable.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

namespace resnet {
namespace {

constexpr int64_t trials_in_a_piece = 50;
constexpr int64_t most_layers = 3;

std::vector<double> scales_of(const IdentityOptions& options) {
  std::vector<double> scales = {1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1};
  if (options.scale > 0 && std::ranges::find(scales, options.scale) == scales.end()) scales.push_back(options.scale);
  std::ranges::sort(scales);
  return scales;
}

double norm_of(std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x * x;
  return std::sqrt(sum);
}

/// y = F(x) + x in double, F being `layers` times relu(W x).
class Block {
 public:
  Block(int64_t width, int64_t layers) : input_(Shape{1, width}, DType::f64) {
    Builder net(Mode::training);
    const Value x = net.input("x", {1, width});
    Value h = x;
    for (int64_t layer = 0; layer < layers; ++layer)
      h = net.relu(net.linear(name_of(layer), h, {.units = static_cast<int>(width), .bias = false}));
    net.observe("y", net.add(h, x));
    const Graph graph = net.take();
    initialise(state_, graph, 0, DType::f64);
    program_ = compile(graph, state_, {.backend = Backend::reference, .compute = DType::f64});
    weights_.resize(static_cast<std::size_t>(layers));
  }

  void draw(Rng& rng) {
    for (double& x : input_.data<double>()) x = rng.normal();
    const auto width = static_cast<std::size_t>(input_.shape()[1]);
    const double deviation = std::sqrt(2 / static_cast<double>(width));
    for (std::vector<double>& weight : weights_) {
      weight.resize(width * width);
      for (double& w : weight) w = rng.normal() * deviation;
    }
  }

  struct Norms {
    double input = 0, output = 0, error = 0;
  };
  Norms run(double scale) {
    for (std::size_t layer = 0; layer < weights_.size(); ++layer) {
      const std::span<double> weight = state_.at(name_of(static_cast<int64_t>(layer)) + ".weight").data<double>();
      std::ranges::transform(weights_[layer], weight.begin(), [&](double w) { return w * scale; });
    }
    state_.touch();
    program_->set_input("x", input_);
    program_->run();
    const Tensor y = program_->output("y");
    std::vector<double> difference(y.data<double>().begin(), y.data<double>().end());
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= input_.data<double>()[i];
    return {norm_of(input_.data<double>()), norm_of(y.data<double>()), norm_of(difference)};
  }

 private:
  static std::string name_of(int64_t layer) { return text_of("layer", layer + 1); }

  Tensor input_;
  State state_;
  std::vector<std::vector<double>> weights_;
  std::unique_ptr<Executable> program_;
};

/// For each trial: the norms at options.scale, and for each number of layers the relative errors by scale.
Json trials_of_piece(const IdentityOptions& options, uint64_t seed, int64_t first, int64_t end) {
  std::deque<Block> blocks;  // a program holds on to where its block's state is
  for (int64_t layers = 1; layers <= most_layers; ++layers) blocks.emplace_back(options.width, layers);
  Json trials = Json::array();
  for (int64_t trial = first; trial < end; ++trial) {
    Json errors = Json::array();
    for (int64_t layers = 1; layers <= most_layers; ++layers) {
      Block& block = blocks[static_cast<std::size_t>(layers - 1)];
      Rng rng(seed, "identity/block", {static_cast<uint64_t>(trial), static_cast<uint64_t>(layers)});
      block.draw(rng);
      std::vector<double> relative;
      for (const double scale : scales_of(options)) {
        const Block::Norms norms = block.run(scale);
        relative.push_back(norms.error / norms.input);
      }
      errors.push_back(relative);
    }
    Block& notebook = blocks[1];
    const Block::Norms norms = notebook.run(options.scale);
    trials.push_back(
        {{"input", norms.input}, {"output", norms.output}, {"error", norms.error}, {"relative", std::move(errors)}});
  }
  return trials;
}

std::vector<Json> all_trials(const IdentityOptions& options, StudyRun& run) {
  std::vector<std::string> keys;
  for (int64_t first = 0; first < options.trials; first += trials_in_a_piece) keys.push_back(text_of("block/", first));
  const PieceKind kind{.label = "identity block", .unit = "trials", .units_each = trials_in_a_piece};
  std::vector<Json> trials;
  for (const Json& piece : run.pieces(kind, keys, [&](std::size_t index) {
         const int64_t first = static_cast<int64_t>(index) * trials_in_a_piece;
         return trials_of_piece(options, run.seed(), first, std::min(first + trials_in_a_piece, options.trials));
       }))
    trials.insert(trials.end(), piece.begin(), piece.end());
  return trials;
}

BranchErrors branch_errors(const std::vector<Json>& trials, const std::vector<double>& scales, std::size_t index,
                           uint64_t seed) {
  BranchErrors errors{.layers = static_cast<int64_t>(index) + 1};
  std::vector<double> slopes, medians;
  std::vector<std::vector<double>> by_scale(scales.size());
  for (const Json& trial : trials) {
    const auto relative = trial["relative"][index].get<std::vector<double>>();
    for (std::size_t k = 0; k < scales.size(); ++k) by_scale[k].push_back(relative.at(k));
    slopes.push_back(logarithmic_slope(scales, relative));
  }
  for (std::size_t k = 0; k < scales.size(); ++k) {
    errors.relative.push_back(summarise(by_scale[k], Rng(seed, "identity/bootstrap", {index, k})));
    medians.push_back(errors.relative.back().median);
  }
  errors.slope = logarithmic_slope(scales, medians);
  errors.trial_slope = quartiles(slopes);
  return errors;
}

/// Of the block of two matrices. At scale 0, which no logarithmic axis has, F(x) is 0.
Summary relative_at(const IdentityScaling& scaling, double scale) {
  const std::vector<Summary>& relative = scaling.branches[1].relative;
  const auto found = std::ranges::find(scaling.scales, scale);
  if (found != scaling.scales.end()) return relative[static_cast<std::size_t>(found - scaling.scales.begin())];
  const std::vector<double> zeros(relative.front().count, 0.0);
  return summarise(zeros, Rng(0, "identity/zero"));
}

}  // namespace

double logarithmic_slope(const std::vector<double>& x, const std::vector<double>& y) {
  double count = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (std::size_t k = 0; k < std::min(x.size(), y.size()); ++k) {
    if (!(x[k] > 0) || !(y[k] > 0)) continue;
    const double u = std::log10(x[k]), v = std::log10(y[k]);
    count += 1;
    sum_x += u;
    sum_y += v;
    sum_xx += u * u;
    sum_xy += u * v;
  }
  const double spread = count * sum_xx - sum_x * sum_x;
  return count < 2 || spread <= 0 ? std::numeric_limits<double>::quiet_NaN()
                                  : (count * sum_xy - sum_x * sum_y) / spread;
}

IdentityScaling measure_identity_scaling(const IdentityOptions& options, StudyRun& run) {
  const std::vector<Json> trials = all_trials(options, run);
  IdentityScaling scaling{.scales = scales_of(options)};
  for (std::size_t index = 0; index < most_layers; ++index)
    scaling.branches.push_back(branch_errors(trials, scaling.scales, index, run.seed()));
  std::vector<double> inputs, outputs, errors;
  for (const Json& trial : trials) {
    inputs.push_back(trial["input"].get<double>());
    outputs.push_back(trial["output"].get<double>());
    errors.push_back(trial["error"].get<double>());
  }
  const auto summary = [&](const std::vector<double>& values, const char* name) {
    return summarise(values, Rng(run.seed(), name));
  };
  scaling.input_norm = summary(inputs, "identity/input");
  scaling.output_norm = summary(outputs, "identity/output");
  scaling.error = summary(errors, "identity/error");
  scaling.relative = relative_at(scaling, options.scale);
  return scaling;
}

}  // namespace resnet
