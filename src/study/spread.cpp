#include "study/spread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace resnet {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// The orders of n + m values of which only one has all n above all m.
double orders(std::size_t n, std::size_t m) {
  double count = 1;
  for (std::size_t k = 1; k <= n; ++k) count = count * static_cast<double>(m + k) / static_cast<double>(k);
  return count;
}

bool all_above(std::span<const double> a, std::span<const double> b) {
  return std::ranges::all_of(a, [&](double x) { return std::ranges::all_of(b, [x](double y) { return x > y; }); });
}

}  // namespace

Spread spread_of(std::span<const double> values) {
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](double x) { return std::isfinite(x); });
  const auto count = static_cast<double>(finite.size());
  Spread spread{.count = finite.size(), .mean = none, .deviation = none};
  if (finite.empty()) return spread;
  spread.mean = 0;
  for (const double x : finite) spread.mean += x / count;
  if (finite.size() < 2) return spread;
  double squares = 0;
  for (const double x : finite) squares += (x - spread.mean) * (x - spread.mean);
  spread.deviation = std::sqrt(squares / (count - 1));
  return spread;
}

std::string text_of_spread(const Spread& spread, int decimals) {
  if (spread.count == 0) return "none";
  if (spread.count == 1) return fmt::format("{:.{}f}", spread.mean, decimals);
  return fmt::format("{:.{}f} ± {:.{}f}", spread.mean, decimals, spread.deviation, decimals);
}

Json to_json(const Spread& spread) {
  return {{"count", spread.count}, {"mean", spread.mean}, {"standard_deviation", spread.deviation}};
}

Finding larger(std::span<const double> a, std::span<const double> b) {
  constexpr double enough = 20;
  if (a.empty() || b.empty() || orders(a.size(), b.size()) < enough) return Finding::undecided;
  if (all_above(a, b)) return Finding::holds;
  return all_above(b, a) ? Finding::fails : Finding::undecided;
}

}  // namespace resnet
