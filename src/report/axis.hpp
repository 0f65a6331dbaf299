// Where numbers land on an axis and which of them are written beside it.
#pragma once

#include "report/charts.hpp"

#include <span>
#include <string>
#include <vector>

namespace resnet {

/// Multiples of 1, 2 or 5 times a power of ten in [low, high], about `count` of them. low < high, both finite.
/// `whole` keeps the step at 1 or more (epochs, steps).
std::vector<double> nice_ticks(double low, double high, int count, bool whole = false);

/// Powers of ten in [low, high], thinned to about `count`; over a short range 2 and 5 times them as well, and plain
/// nice ticks if even that leaves fewer than three. 0 < low < high.
std::vector<double> log_ticks(double low, double high, int count);

/// How the ticks are written, all alike: "0.25", "40k", "1e-05".
std::vector<std::string> tick_texts(std::span<const double> ticks);

/// A value for a tooltip: four significant digits.
std::string value_text(double value);

class Axis {
 public:
  /// Takes in the values that can be shown and ignores the rest; rounds outward to whole ticks if `round`.
  Axis(std::span<const double> values, Scale scale, int tick_count, bool round, std::optional<double> low = {},
       std::optional<double> high = {});

  /// False for what is not finite, absurdly large, or not positive on a logarithmic axis.
  bool shows(double value) const;
  /// 0 at the low end, 1 at the high end.
  double at(double value) const;
  const std::vector<double>& ticks() const { return ticks_; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  void find_range(std::span<const double> values);

  Scale scale_;
  double low_ = 0, high_ = 1;
  bool whole_ = true;  // all values are whole numbers
  std::vector<double> ticks_;
};

}  // namespace resnet
