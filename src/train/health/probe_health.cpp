// What a probe makes of all that it read.
#include "train/health/probe_sums.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

double median_of(std::vector<double> values) {
  if (values.empty()) return not_measured;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// The mean cosine between the gradients of two batches, from their sum S and the sum of their squares Q: gradients of
/// equal length would give (|S|^2 - Q) / ((b - 1) Q).
double coherence_of(double squares, std::span<const float> sum, double batches) {
  if (batches < 2 || !(squares > 0) || sum.empty()) return not_measured;
  return (dot(sum, sum) - squares) / ((batches - 1) * squares);
}

}  // namespace

double HealthProbe::batches() const { return std::max<double>(1, static_cast<double>(sums_->batches)); }

ParameterHealth HealthProbe::parameter_health(std::size_t index) const {
  const ValueInfo& info = watched_.graph[parameters_[index]];
  return {.name = info.name,
          .elements = info.shape.elements(),
          .norm = frobenius_norm(state_.at(info.name)),
          .gradient = std::sqrt(sums_->parameters[index].squares / batches()),
          .frozen = frozen_.contains(info.name),
          .reached = gradients_.contains(parameters_[index])};
}

LayerHealth HealthProbe::layer_health(std::size_t index, double rate) const {
  const WatchedLayer& layer = watched_.layers[index];
  const Sums::Layer& sums = sums_->layers[index];
  LayerHealth health{.name = layer.name,
                     .parameter = watched_.graph[layer.weight].name,
                     .linear = watched_.graph[layer.weight].shape.rank() == 2,
                     .norm = normed_[index] != 0,
                     .mean = sums.raw.mean(),
                     .variance = sums.raw.variance(),
                     .activation_mean = sums.activation.mean(),
                     .activation_variance = sums.activation.variance(),
                     .dx = std::sqrt(sums.dx / batches()),
                     .correlation = sums.correlation,
                     .place = places_[index]};
  for (std::size_t relu = 0; relu < relus_.size(); ++relu)
    if (relus_[relu].layer == index) {
      health.relu = true;
      health.relu_place = relus_[relu].place;
      health.dead = sums_->relus[relu].dead();
      health.zeros = sums_->relus[relu].zero_part();
    }
  const auto at = std::ranges::find(parameters_, layer.weight);
  if (at == parameters_.end()) return health;
  const auto place = static_cast<std::size_t>(at - parameters_.begin());
  const ParameterHealth parameter = parameter_health(place);
  health.weight = parameter.norm;
  health.dw = parameter.gradient;
  health.frozen = parameter.frozen;
  health.departure = draw_departure(state_.at(parameter.name));
  health.equal_units = equal_rows(state_.at(parameter.name));
  health.coherence = coherence_of(sums_->parameters[place].squares, sums_->parameters[place].sum, batches());
  const double step = rate * rate_scale(parameter.name) * parameter.gradient;
  health.update = parameter.norm > 0 ? step / parameter.norm : step > 0 ? INFINITY : 0;
  return health;
}

NormHealth HealthProbe::norm_health(std::size_t index) const {
  const Norm& norm = norms_[index];
  const Sums::Norm& sums = sums_->norms[index];
  const std::size_t channels = sums.mean.size();
  const std::span<const float> gamma = state_.at(norm.gamma).data<float>(), beta = state_.at(norm.beta).data<float>();
  const auto var = [&](std::size_t c) { return sums.var[c] / batches(); };
  std::vector<double> variances, spreads;
  for (std::size_t c = 0; c < channels; ++c) variances.push_back(var(c));
  NormHealth health{
      .name = norm.name,
      .channels = static_cast<int64_t>(channels),
      .epsilon = norm.epsilon,
      .variance = median_of(variances),
      .collapsed = part_of(channels, [&](std::size_t c) { return var(c) < norm.epsilon; }),
      .tiny_gamma = part_of(channels, [&](std::size_t c) { return std::abs(gamma[c]) < 1e-3f; }),
      .running = !norm.running_mean.empty() && !norm.running_var.empty(),
      .as_started = part_of(channels, [&](std::size_t c) { return gamma[c] == gamma[0] && beta[c] == beta[0]; }) == 1,
      .place = norm.place};
  if (norm.relu) {
    health.off = part_of(channels, [&](std::size_t c) { return beta[c] < -3 * std::abs(gamma[c]); });
    health.open = part_of(channels, [&](std::size_t c) { return beta[c] > 3 * std::abs(gamma[c]); });
  }
  if (!health.running) return health;
  const std::span<const float> mean = state_.at(norm.running_mean).data<float>();
  const std::span<const float> running = state_.at(norm.running_var).data<float>();
  double shift = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    const double difference = sums.mean[c] / batches() - mean[c];
    shift += difference * difference / (running[c] + norm.epsilon);
    spreads.push_back((var(c) + norm.epsilon) / (running[c] + norm.epsilon));
    health.log_variance.push_back(std::log(var(c) + norm.epsilon));
    health.log_running.push_back(std::log(running[c] + norm.epsilon));
  }
  health.shift = std::sqrt(shift / static_cast<double>(channels));
  health.spread = median_of(spreads);
  health.untouched = part_of(channels, [&](std::size_t c) {
                       return std::abs(mean[c]) < 0.1 && std::abs(running[c] - 1) < 0.15;
                     }) >= 0.75;
  return health;
}

InputHealth HealthProbe::input_health() const {
  const ChannelMoments& input = sums_->input;
  InputHealth health;
  double total = 0;
  for (std::size_t c = 0; c < input.sum.size(); ++c) {
    const double mean = input.sum[c] / input.count;
    const double variance = std::max(0.0, input.squares[c] / input.count - mean * mean);
    health.mean.push_back(mean);
    health.deviation.push_back(std::sqrt(variance));
    total += variance * input.count;
  }
  const double images = std::max<double>(1, static_cast<double>(sums_->images));
  health.between = total > 0 ? sums_->between / total : 0;
  health.constant = static_cast<double>(sums_->constant) / images;
  health.repeated = static_cast<double>(sums_->repeated) / images;
  return health;
}

OutputHealth HealthProbe::output_health() const {
  const double images = std::max<double>(1, static_cast<double>(sums_->images));
  const double classes = static_cast<double>(sums_->labels.size());
  return {.loss = sums_->loss / batches(),
          .top1 = sums_->top1 / batches(),
          .confidence = sums_->confidence / batches(),
          .spread = std::sqrt(sums_->spread / batches()),
          .probabilities = sums_->probabilities && sums_->images > 0,
          .zeros = sums_->zero_logits / (images * classes),
          .finite = sums_->finite && std::isfinite(sums_->loss)};
}

double median_update(const NetworkHealth& health) {
  std::vector<double> updates;
  for (const LayerHealth& layer : health.layers)
    if (!layer.frozen && layer.weight > 0) updates.push_back(layer.update);
  if (updates.empty()) return 0;
  std::ranges::sort(updates);
  return updates[updates.size() / 2];
}

NetworkHealth HealthProbe::health(double rate) const {
  NetworkHealth health{.images = sums_->images,
                       .batch = batch_,
                       .rate = rate,
                       .input = input_health(),
                       .output = output_health(),
                       .labels = sums_->labels,
                       .random = random_,
                       .path_step = sums_->path_step};
  for (std::size_t index = 0; index < parameters_.size(); ++index) health.parameters.push_back(parameter_health(index));
  for (std::size_t index = 0; index < watched_.layers.size(); ++index)
    health.layers.push_back(layer_health(index, rate));
  for (std::size_t index = 0; index < relus_.size(); ++index)
    if (relus_[index].layer == watched_.layers.size())
      health.relus.push_back({.name = relus_[index].name,
                              .dead = sums_->relus[index].dead(),
                              .zeros = sums_->relus[index].zero_part(),
                              .place = relus_[index].place});
  for (std::size_t index = 0; index < sigmoids_.size(); ++index)
    health.sigmoids.push_back({.name = sigmoids_[index].name,
                               .saturated = sums_->saturated[index] / batches(),
                               .place = sigmoids_[index].place});
  for (std::size_t index = 0; index < norms_.size(); ++index) health.norms.push_back(norm_health(index));
  for (std::size_t index = 0; index < watched_.blocks.size(); ++index) {
    const Sums::Block& sums = sums_->blocks[index];
    health.blocks.push_back({.name = watched_.blocks[index].name,
                             .branch = std::sqrt(sums.branch / batches()),
                             .shortcut = std::sqrt(sums.shortcut / batches()),
                             .dx_branch = std::sqrt(sums.dx_branch / batches()),
                             .dx_shortcut = std::sqrt(sums.dx_shortcut / batches())});
  }
  return health;
}

}  // namespace resnet
