// Rules on signals and gradients by depth.
#include "base/text.hpp"
#include "study/diagnose/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet::rules {
namespace {

/// Of the gradient's norm at the first layers against the last ones. Measured on the healthy networks of
/// tests/study/diagnose it stays between 0.05 and 300 (deep plain networks with batch norm lie at the upper end, where
/// Yang et al. 2019 predict a factor of about 1.2 a layer).
constexpr double vanished = 1e-3, exploded = 1e4;

/// Of the units of one layer. A few dead ones are common.
constexpr double many_dead = 0.75;

/// The gradient by what the layers read; the first layer's is left out where nothing asks for it.
std::vector<double> gradients_of(const Measurements& measured) {
  std::vector<double> dx;
  for (const LayerHealth& layer : measured.health.layers) dx.push_back(layer.dx);
  return dx;
}

/// "from layer3.0.conv1 (layer 15 of 80) on down", with how it goes by layer.
Evidence by_depth(const Measurements& measured, std::size_t from, double ratio, std::string_view verb) {
  const std::vector<LayerHealth>& layers = measured.health.layers;
  const double last = layers.back().dx, first = layers.front().dx;
  std::string text = fmt::format(
      "|dL/dx| is {:.2g} at the last layer and {:.2g} at the first ({:.2g} of it); from {} "
      "(layer {} of {}) towards the input it has {}",
      last, first, ratio, layers[from].name, from + 1, layers.size(), verb);
  if (ratio > 0 && std::isfinite(ratio) && layers.size() > 2)
    text += fmt::format(", by a factor of {:.2g} a layer", std::pow(ratio, 1 / static_cast<double>(layers.size() - 1)));
  std::vector<std::string> names;
  for (std::size_t index = 0; index <= from; ++index) names.push_back(layers[index].name);
  return {std::move(text), std::move(names)};
}

}  // namespace

std::optional<Evidence> not_finite(const Measurements& measured) {
  for (const ParameterHealth& parameter : measured.health.parameters)
    if (!std::isfinite(parameter.norm)) return Evidence{parameter.name + " holds numbers that are not finite"};
  const bool finite = measured.health.output.finite;
  for (const LayerHealth& layer : measured.health.layers)
    if (!finite && !std::isfinite(layer.variance))
      return Evidence{fmt::format("the numbers stop being finite at {}", layer.name), {layer.name}};
  // Only inference reads them, and a ReLU makes 0 of NaN, so that its loss may be finite all the same.
  for (const NormHealth& norm : measured.health.norms)
    if (finite && norm.running && !std::isfinite(norm.shift))
      return Evidence{"the running statistics of " + norm.name + " are not finite", {norm.name}};
  if (finite && std::isfinite(measured.inference.loss)) return std::nullopt;
  return Evidence{fmt::format("the loss is {} in training and {} in inference", measured.health.output.loss,
                              measured.inference.loss)};
}

std::optional<Evidence> equal_weights(const Measurements& measured) {
  const std::vector<LayerHealth>& layers = measured.health.layers;
  std::vector<std::string> names;
  // A last layer of zeros is a start that many recommend, and so is a last convolution of a branch.
  for (std::size_t index = 0; index + 1 < layers.size(); ++index) {
    const bool meant = measured.starts_as_identity && !measured.trained() && layers[index].weight == 0;
    if (layers[index].equal_units && !meant) names.push_back(layers[index].name);
  }
  if (names.empty()) return std::nullopt;
  const auto first = std::ranges::find(layers, names.front(), &LayerHealth::name);
  return Evidence{fmt::format("all units of {} have the same weights{} in {}", names.front(),
                              first->weight == 0 ? ", zeros," : "", plural(names.size(), "layer") + " in all"),
                  names, first->place};
}

std::optional<Evidence> dead_relu(const Measurements& measured) {
  std::vector<std::string> names;
  double worst = 0;
  std::optional<int64_t> first;
  const auto look = [&](const std::string& name, double dead, int64_t place) {
    if (!(dead >= many_dead)) return;
    names.push_back(name);
    worst = std::max(worst, dead);
    first = std::min(first.value_or(place), place);
  };
  for (const LayerHealth& layer : measured.health.layers) look(layer.name, layer.dead, layer.relu_place);
  // Blocks that start as the identity pass on the zero channels of shortcut A.
  if (!measured.starts_as_identity || measured.trained())
    for (const ReluHealth& relu : measured.health.relus) look(relu.name, relu.dead, relu.place);
  if (names.empty()) return std::nullopt;
  return Evidence{fmt::format("{}: up to {:.0f} % of the units are 0 for all {} images; the first is {}",
                              plural(names.size(), "layer"), 100 * worst, measured.health.images, names.front()),
                  names, first};
}

std::optional<Evidence> saturated_units(const Measurements& measured) {
  // Under a normal law of deviation 1, as batch norm and Glorot's start give, next to no number is (|x| > 6).
  constexpr double many = 0.5;
  std::vector<std::string> names;
  std::optional<int64_t> first;
  double worst = 0;
  for (const SigmoidHealth& sigmoid : measured.health.sigmoids) {
    if (!(sigmoid.saturated >= many)) continue;
    names.push_back(sigmoid.name);
    first = first.value_or(sigmoid.place);
    worst = std::max(worst, sigmoid.saturated);
  }
  if (names.empty()) return std::nullopt;
  return Evidence{
      fmt::format("{} of {}: up to {:.0f} % of the numbers lie where the derivative is below a hundredth "
                  "of its largest value; the first is {}",
                  names.size(), plural(measured.health.sigmoids.size(), "sigmoid"), 100 * worst, names.front()),
      names, first};
}

std::optional<Evidence> vanishing_gradient(const Measurements& measured) {
  const std::vector<double> dx = gradients_of(measured);
  if (dx.size() < 3 || !measured.health.output.finite) return std::nullopt;
  const double last = dx.back(), ratio = last > 0 ? dx.front() / last : 0;
  if (ratio >= vanished) return std::nullopt;
  std::size_t from = dx.size() - 1;
  while (from > 0 && dx[from] > vanished * last) --from;
  return by_depth(measured, from, ratio, "less than a thousandth of that");
}

std::optional<Evidence> exploding_gradient(const Measurements& measured) {
  const std::vector<double> dx = gradients_of(measured);
  if (dx.size() < 3) return std::nullopt;
  const double last = dx.back(), ratio = last > 0 ? dx.front() / last : 0;
  if (!(ratio > exploded)) return std::nullopt;
  std::size_t from = dx.size() - 1;
  while (from > 0 && dx[from] < exploded * last) --from;
  return by_depth(measured, from, ratio, "more than ten thousand times that");
}

std::optional<Evidence> large_logits(const Measurements& measured) {
  // ln K is the loss of a network that knows nothing yet (Karpathy 2019, "A recipe for training neural networks").
  const double loss = measured.health.output.loss, expected = measured.chance_loss();
  if (measured.trained() || !(loss > 3 * expected)) return std::nullopt;
  return Evidence{
      fmt::format("before training the loss is {:.3g}, where a network that prefers no class has {:.3g}; "
                  "logits have a standard deviation of {:.3g}",
                  loss, expected, measured.health.output.spread)};
}

std::optional<Evidence> idle_blocks(const Measurements& measured) {
  if (measured.starts_as_identity && !measured.trained()) return std::nullopt;
  std::vector<std::string> names;
  for (const BlockHealth& block : measured.health.blocks)
    if (block.ratio() < 1e-3) names.push_back(block.name);
  if (names.empty()) return std::nullopt;
  return Evidence{fmt::format("{} of {} add less than a thousandth of what their shortcut carries", names.size(),
                              plural(measured.health.blocks.size(), "block")),
                  names};
}

std::optional<Evidence> shattered_gradient(const Measurements& measured) {
  const std::vector<LayerHealth>& layers = measured.health.layers;
  if (layers.size() < 3 || !(layers.front().correlation < 0.5) || !(layers.back().correlation > 0.9))
    return std::nullopt;
  return Evidence{
      fmt::format("images {:.1f} % of the way apart have gradients with a cosine of {:.2f} at the first "
                  "layer, and {:.2f} at the last",
                  100 * measured.health.path_step, layers.front().correlation, layers.back().correlation)};
}

}  // namespace resnet::rules
