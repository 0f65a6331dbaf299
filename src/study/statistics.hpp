// What many trials say together: quantiles, and how sure the median is.
#pragma once

#include "base/random.hpp"
#include "study/json.hpp"

#include <span>
#include <vector>

namespace resnet {

/// The quantile `share` (0 .. 1) of sorted values, between two of them by linear interpolation (Hyndman & Fan 1996,
/// type 7, NumPy's default). `sorted` is not empty.
double quantile(std::span<const double> sorted, double share);

struct Summary {
  std::size_t count = 0;  // finite values; the others are left out
  double q1 = 0, median = 0, q3 = 0;
  double low = 0, high = 0;  // bootstrap interval of the median, 95 %
};

/// Median, quartiles and the percentile bootstrap interval of the median (Efron 1979) from 1000 resamples, drawn from
/// `rng`. All NaN if no value is finite.
Summary summarise(std::span<const double> values, Rng rng);

/// The same without the interval (low = high = median).
Summary quartiles(std::span<const double> values);

Json to_json(const Summary& summary);

/// 10^x of every number: from a summary of logarithms back to ratios.
Summary powers_of_ten(const Summary& logarithms);

}  // namespace resnet
