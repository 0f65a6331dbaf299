// What many trials say together: quantiles, and how sure the median is.
#pragma once

#include "base/random.hpp"
#include "study/json.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace resnet {

/// The quantile `share` (0 .. 1) of sorted values, between two of them by linear interpolation (Hyndman & Fan 1996,
/// type 7, NumPy's default). `sorted` is not empty.
double quantile(std::span<const double> sorted, double share);

/// From fewer values there is no 95 % interval of their median: the range from the smallest to the largest of n covers
/// the median of what they are drawn from with probability 1 - 2^(1 - n), which reaches 95 % at 6.
inline constexpr std::size_t fewest_for_interval = 6;

struct Summary {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();

  std::size_t count = 0;  // finite values; the others are left out
  double q1 = 0, median = 0, q3 = 0;
  double low = none, high = none;  // bootstrap interval of the median, 95 %; NaN where there is none

  bool has_interval() const { return !std::isnan(low) && !std::isnan(high); }
};

/// Median, quartiles and the percentile bootstrap interval of the median (Efron 1979) from 1000 resamples, drawn from
/// `rng`. All NaN if no value is finite.
Summary summarise(std::span<const double> values, Rng rng);

/// The same without the interval.
Summary quartiles(std::span<const double> values);

/// What is not a number becomes null.
Json to_json(const Summary& summary);

/// Why there is no interval: "3 trials are too few for a 95 % interval (at least 6)".
std::string too_few_text(std::size_t count, const std::string& unit);

/// Three digits; "none" for what is not a number.
std::string number_text(double value);

/// 10^x of every number: from a summary of logarithms back to ratios.
Summary powers_of_ten(const Summary& logarithms);

/// A line through points by least squares; `correlation` is Pearson's. Both are 0 where x does not vary, the second
/// also where y does not.
struct Line {
  double slope = 0, correlation = 0;
};
Line fitted_line(std::span<const double> x, std::span<const double> y);

}  // namespace resnet
