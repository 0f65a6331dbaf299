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
constexpr double small_update = 5e-5;

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

namespace {

/// At its start a network is another one at every step, and one step too large is nothing that a warm-up, and weights
/// that grow, do not make good (healthy deep networks change by 0.3 of their weights at their first step, and train).
/// So the recipe's beginning is tried out: the rate is too high if it throws the network off, by its loss, or by
/// weights that are mostly what these steps have added. Measured: factors up to 2.1 at rates that train, 3.9 and more
/// at ten to fifty times as much.
std::optional<Evidence> thrown_off(const Measurements& measured) {
  constexpr double largest_growth = 3;
  const FirstSteps& first = measured.first_steps;
  const double before = measured.health.output.loss;
  if (first.steps == 0 || (!measured.oversteps(before, first.loss) && first.growth < largest_growth))
    return std::nullopt;
  return Evidence{
      fmt::format("{} steps, at whose end the rate is {:g}, take the loss of their images from {:.3g} to "
                  "{:.3g} and the weights of the median layer to {:.2g} times their size; at that rate a "
                  "step changes the median layer by {:.2g} of its weights",
                  first.steps, measured.health.rate, before, first.loss, first.growth, median_update(measured.health))};
}

}  // namespace

std::optional<Evidence> rate_too_high(const Measurements& measured) {
  if (!measured.trained()) return thrown_off(measured);
  // What threw a run off need not be seen in the steps that it would take now.
  if (measured.run && measured.run->epochs > 0 && measured.oversteps(measured.chance_loss(), measured.run->train_loss))
    return Evidence{
        fmt::format("the mean loss of the run's last epoch was {:.3g}, and guessing gives {:.3g}: its steps, "
                    "at rates up to {:g}, threw off what the network began with",
                    measured.run->train_loss, measured.chance_loss(), measured.health.rate)};
  const double before = measured.step_loss_before, after = measured.step_loss, update = median_update(measured.health);
  if (!measured.oversteps(before, after) && update < largest_update) return std::nullopt;
  std::vector<std::string> names;
  for (const LayerHealth& layer : measured.health.layers)
    if (layer.update > largest_update) names.push_back(layer.name);
  return Evidence{
      fmt::format("at the rate {:g} a step changes the median layer by {:.2g} of its weights, and takes the "
                  "loss of its own batch from {:.3g} to {:.3g}",
                  measured.health.rate, update, before, after),
      names};
}

std::optional<Evidence> rate_too_low(const Measurements& measured) {
  const double update = median_update(measured.health);
  if (update == 0 || update > small_update || measured.health.output.loss < 0.5 * measured.chance_loss())
    return std::nullopt;
  return Evidence{
      fmt::format("at the rate {:g} a step changes the median layer by {:.2g} of its weights, while the loss "
                  "({:.3g}) leaves much to learn",
                  measured.health.rate, update, measured.health.output.loss)};
}

}  // namespace resnet::rules
