// What a few trainings with different seeds say together, as papers print it: mean and standard deviation, and which of
// two groups is larger.
#pragma once

#include "study/json.hpp"
#include "study/report.hpp"

#include <span>
#include <string>

namespace resnet {

struct Spread {
  std::size_t count = 0;  // finite values; the others are left out
  double mean = 0;        // NaN of none
  double deviation = 0;   // of the sample (n - 1); NaN of fewer than two
};

Spread spread_of(std::span<const double> values);

/// "8.75 ± 0.16", "8.75" of one value, "none".
std::string text_of_spread(const Spread& spread, int decimals = 2);

/// What is not a number becomes null.
Json to_json(const Spread& spread);

/// Whether `a` is larger than `b`: holds where every value of `a` is above every one of `b` and that would happen by
/// chance in at most one of twenty orders (the exact rank test of Mann & Whitney 1947, one-sided: three against three
/// suffice), fails where it is the other way round, is undecided otherwise.
Finding larger(std::span<const double> a, std::span<const double> b);

}  // namespace resnet
