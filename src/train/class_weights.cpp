#include "train/class_weights.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace resnet {
namespace {

/// "ants=2,bees=0.5"
void read_weights(const std::string& text, const std::vector<std::string>& classes, std::vector<double>& weights) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string item = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = item.rfind('=');
    if (equals == std::string::npos)
      fail_usage("--class-weights: expected none, balanced or NAME=WEIGHT,..., got '", item, "'");
    const std::string name = item.substr(0, equals), number = item.substr(equals + 1);
    const auto found = std::ranges::find(classes, name);
    if (found == classes.end())
      fail_usage("--class-weights: there is no class '", name, "'", did_you_mean(name, classes));
    double weight = 0;
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), weight);
    if (error != std::errc() || stop != number.data() + number.size() || !(weight > 0) || !std::isfinite(weight))
      fail_usage("--class-weights: expected a positive number for '", name, "', got '", number, "'");
    weights[static_cast<std::size_t>(found - classes.begin())] = weight;
  }
}

}  // namespace

std::vector<float> class_weights(const std::string& text, const Dataset& dataset) {
  if (text == "none") return {};
  std::vector<double> counts(dataset.classes().size(), 0), weights(counts.size(), 1);
  for (int64_t index = 0; index < dataset.size(); ++index) ++counts[static_cast<std::size_t>(dataset.label(index))];
  if (text == "balanced")
    for (std::size_t k = 0; k < weights.size(); ++k) weights[k] = counts[k] > 0 ? 1 / counts[k] : 0;
  else
    read_weights(text, dataset.classes(), weights);
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) sum += counts[k] * weights[k];
  std::vector<float> result;
  for (const double weight : weights)
    result.push_back(static_cast<float>(weight * static_cast<double>(dataset.size()) / sum));
  return result;
}

std::string describe_class_weights(const std::string& text, const Dataset& dataset) {
  constexpr std::size_t most = 10;
  const std::vector<float> weights = class_weights(text, dataset);
  std::string words;
  for (std::size_t k = 0; k < std::min(weights.size(), most); ++k)
    words += fmt::format("{}{} {:.3g}", k ? ", " : "", dataset.classes()[k], weights[k]);
  return weights.size() > most ? text_of(words, " and ", weights.size() - most, " more") : words;
}

}  // namespace resnet
