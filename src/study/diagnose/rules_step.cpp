// Rules on what comes out, and on what a step of training does.
#include "base/text.hpp"
#include "study/diagnose/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet::rules {
namespace {

/// Part of the weights that a step changes, momentum left out. Karpathy (CS231n, "Ratio of weights:updates") gives 1e-3
/// as a rule of thumb. In the healthy networks of tests/study/diagnose the median layer lies between 1e-4 (rate 0.01)
/// and 3e-2 (rate 0.1).
constexpr double small_update = 5e-5, large_update = 0.15;

/// Of the layers that learn.
double median_update(const Measurements& measured) {
  std::vector<double> updates;
  for (const LayerHealth& layer : measured.health.layers)
    if (!layer.frozen && layer.weight > 0) updates.push_back(layer.update);
  if (updates.empty()) return 0;
  std::ranges::sort(updates);
  return updates[updates.size() / 2];
}

}  // namespace

std::optional<Evidence> probabilities_as_logits(const Measurements& measured) {
  if (!measured.health.output.probabilities) return std::nullopt;
  return Evidence{
      fmt::format("the numbers that go into the loss are nowhere negative and sum to 1 for each of the {} "
                  "images: a softmax has made them",
                  measured.health.images)};
}

std::optional<Evidence> relu_on_logits(const Measurements& measured) {
  if (measured.health.output.zeros < 0.2 || measured.health.output.spread == 0) return std::nullopt;
  return Evidence{fmt::format("{:.0f} % of the logits are exactly 0", 100 * measured.health.output.zeros)};
}

std::optional<Evidence> unused_parameters(const Measurements& measured) {
  std::vector<std::string> names;
  bool any = false;
  int64_t elements = 0;
  for (const ParameterHealth& parameter : measured.health.parameters) {
    const bool still = !parameter.frozen && (!parameter.reached || parameter.gradient == 0);
    any |= parameter.gradient > 0;
    // What lies behind a gamma of 0 gets its first gradient when that has moved.
    if (still && parameter.reached && measured.starts_as_identity && !measured.trained()) continue;
    if (!still) continue;
    names.push_back(parameter.name);
    elements += parameter.elements;
  }
  if (names.empty() || !any) return std::nullopt;
  return Evidence{fmt::format("{} ({} numbers), the first being {}, get no gradient at all",
                              plural(names.size(), "parameter"), elements, names.front()),
                  names};
}

std::optional<Evidence> frozen_parameters(const Measurements& measured) {
  std::vector<std::string> names;
  for (const ParameterHealth& parameter : measured.health.parameters)
    if (parameter.frozen) names.push_back(parameter.name);
  if (names.empty()) return std::nullopt;
  return Evidence{fmt::format("the recipe freezes {}: {} of {} parameters stay as they are",
                              listed(measured.frozen_stages), names.size(), measured.health.parameters.size()),
                  names};
}

std::optional<Evidence> rate_too_high(const Measurements& measured) {
  const double before = measured.step_loss_before, after = measured.step_loss, update = median_update(measured);
  if (!std::isfinite(before)) return std::nullopt;
  const bool worse = !std::isfinite(after) || after > before + 3 * measured.chance_loss();
  if (!worse && update < large_update) return std::nullopt;
  std::vector<std::string> names;
  for (const LayerHealth& layer : measured.health.layers)
    if (layer.update > large_update) names.push_back(layer.name);
  return Evidence{
      fmt::format("at the rate {:g} a step changes the median layer by {:.2g} of its weights, and {}takes the "
                  "loss of its own batch from {:.3g} to {:.3g}",
                  measured.health.rate, update,
                  measured.step_rate < measured.health.rate
                      ? fmt::format("one at {:g}, as the training begins, ", measured.step_rate)
                      : "",
                  before, after),
      names};
}

std::optional<Evidence> rate_too_low(const Measurements& measured) {
  const double update = median_update(measured);
  if (update == 0 || update > small_update || measured.health.output.loss < 0.5 * measured.chance_loss())
    return std::nullopt;
  return Evidence{
      fmt::format("at the rate {:g} a step changes the median layer by {:.2g} of its weights, while the loss "
                  "({:.3g}) leaves much to learn",
                  measured.health.rate, update, measured.health.output.loss)};
}

}  // namespace resnet::rules
