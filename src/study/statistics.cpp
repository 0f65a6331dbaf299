#include "study/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr int resamples = 1000;
constexpr double outside = 0.025;  // on each side of the interval

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::vector<double> finite_and_sorted(std::span<const double> values) {
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](double x) { return std::isfinite(x); });
  std::ranges::sort(finite);
  return finite;
}

Summary quartiles_of(const std::vector<double>& sorted) {
  if (sorted.empty()) return {.count = 0, .q1 = Summary::none, .median = Summary::none, .q3 = Summary::none};
  return {.count = sorted.size(),
          .q1 = quantile(sorted, 0.25),
          .median = quantile(sorted, 0.5),
          .q3 = quantile(sorted, 0.75)};
}

}  // namespace

double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Summary quartiles(std::span<const double> values) { return quartiles_of(finite_and_sorted(values)); }

Summary summarise(std::span<const double> values, Rng rng) {
  const std::vector<double> sorted = finite_and_sorted(values);
  Summary summary = quartiles_of(sorted);
  if (sorted.size() < fewest_for_interval) return summary;
  std::vector<double> medians, drawn(sorted.size());
  for (int k = 0; k < resamples; ++k) {
    for (double& x : drawn) x = sorted[static_cast<std::size_t>(rng.below(static_cast<int64_t>(sorted.size())))];
    medians.push_back(median_of(drawn));
  }
  std::ranges::sort(medians);
  summary.low = quantile(medians, outside);
  summary.high = quantile(medians, 1 - outside);
  return summary;
}

Json to_json(const Summary& summary) {
  return {{"count", summary.count}, {"median", summary.median},  {"q1", summary.q1},
          {"q3", summary.q3},       {"median_low", summary.low}, {"median_high", summary.high}};
}

std::string too_few_text(std::size_t count, const std::string& unit) {
  return fmt::format("{} {} too few for a 95 % interval (at least {})", count,
                     count == 1 ? unit + " is" : unit + "s are", fewest_for_interval);
}

std::string number_text(double value) { return std::isnan(value) ? "none" : fmt::format("{:.3g}", value); }

Summary powers_of_ten(const Summary& x) {
  const auto power = [](double y) { return std::pow(10, y); };
  return {x.count, power(x.q1), power(x.median), power(x.q3), power(x.low), power(x.high)};
}

Line fitted_line(std::span<const double> x, std::span<const double> y) {
  const auto count = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0, yy = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    mean_x += x[k] / count;
    mean_y += y[k] / count;
  }
  for (std::size_t k = 0; k < x.size(); ++k) {
    xx += (x[k] - mean_x) * (x[k] - mean_x);
    xy += (x[k] - mean_x) * (y[k] - mean_y);
    yy += (y[k] - mean_y) * (y[k] - mean_y);
  }
  if (!(xx > 0)) return {};
  return {xy / xx, yy > 0 ? xy / std::sqrt(xx * yy) : 0};
}

}  // namespace resnet
