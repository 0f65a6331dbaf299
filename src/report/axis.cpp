#include "report/axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace resnet {
namespace {

// Beyond this, differences and paddings overflow; such a value is no measurement.
constexpr double largest_shown = 1e300;
// Below this, a logarithmic axis would be all emptiness: denormals and underflow to almost nothing.
constexpr double smallest_shown = 1e-300;

double nice_step(double range, int count) {
  const double rough = range / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power * 1.0001) return factor * power;
  return 10 * power;
}

std::string plain_text(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos ? "0" : text;
}

// The fewest decimals (0 to 6) that tell all ticks apart and write them exactly enough.
int decimals_for(std::span<const double> ticks) {
  for (int decimals = 0; decimals < 6; ++decimals) {
    const double unit = std::pow(10.0, -decimals);
    const bool exact = std::all_of(ticks.begin(), ticks.end(),
                                   [&](double tick) { return std::abs(tick / unit - std::round(tick / unit)) < 1e-4; });
    if (exact) return decimals;
  }
  return 6;
}

std::string scientific(double value) {
  std::string text = fmt::format("{:.1e}", value);
  if (const std::size_t zero = text.find(".0e"); zero != std::string::npos) text.erase(zero, 2);
  return text;
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, int count, bool whole) {
  double step = nice_step(high - low, count);
  if (whole) step = std::max(step, 1.0);
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-6);
  const double last = std::floor(high / step + 1e-6);
  // A range that doubles can hardly resolve (1e15 to 1e15 + 1) gives no more than a few.
  for (double index = first; index <= last && ticks.size() < 100; ++index) ticks.push_back(index * step);
  ticks.erase(std::unique(ticks.begin(), ticks.end()), ticks.end());
  return ticks;
}

std::vector<double> log_ticks(double low, double high, int count) {
  const double first = std::floor(std::log10(low));
  const double last = std::ceil(std::log10(high));
  const bool within_decades = last - first <= 3;
  const double stride = std::max(1.0, std::ceil((last - first) / std::max(count, 1)));
  std::vector<double> ticks;
  for (double power = first; power <= last; power += stride)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10.0, power);
      const bool inside = tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9);
      if (inside && (factor == 1.0 || within_decades)) ticks.push_back(tick);
    }
  if (ticks.size() < 3) ticks = nice_ticks(low, high, count);
  return ticks;
}

std::vector<std::string> tick_texts(std::span<const double> ticks) {
  std::vector<std::string> texts;
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  for (const double tick : ticks) {
    largest = std::max(largest, std::abs(tick));
    if (tick != 0) smallest = std::min(smallest, std::abs(tick));
  }
  const double unit = largest >= 1e7 ? 1e6 : largest >= 1e4 ? 1e3 : 1;
  const bool crowded = unit > 1 && smallest < 0.09 * unit;  // many decades: "0.001k" says less than "1e+00"
  const bool far = largest >= 1e9 || largest < 1e-3 || smallest < 0.99e-4 || crowded;
  const char* suffix = unit == 1e6 ? "M" : unit == 1e3 ? "k" : "";
  std::vector<double> scaled(ticks.begin(), ticks.end());
  for (double& value : scaled) value /= unit;
  const bool spread = smallest > 0 && largest / smallest >= 100;  // a logarithmic axis: each tick its own decimals
  const int decimals = decimals_for(scaled);
  for (std::size_t index = 0; index < scaled.size(); ++index) {
    const double value = scaled[index];
    if (ticks[index] == 0)
      texts.emplace_back("0");
    else if (far)
      texts.push_back(scientific(ticks[index]));
    else if (spread)
      texts.push_back(plain_text(value, decimals_for({&value, 1})) + suffix);
    else
      texts.push_back(plain_text(value, decimals) + suffix);
  }
  return texts;
}

std::string value_text(double value) {
  if (!std::isfinite(value)) return "not finite";
  return fmt::format("{:.4g}", value);
}

Axis::Axis(std::span<const double> values, Scale scale, int tick_count, bool round, std::optional<double> low,
           std::optional<double> high)
    : scale_(scale) {
  find_range(values);
  if (low && shows(*low) && *low < high_) low_ = *low;
  if (high && shows(*high) && *high > low_) high_ = *high;
  if (scale == Scale::logarithmic) {
    if (round && low_ < high_) {  // no point on the frame
      const double margin = std::pow(high_ / low_, 0.03);
      if (!low) low_ = std::max(low_ / margin, smallest_shown);
      if (!high) high_ = std::min(high_ * margin, largest_shown);
    }
    ticks_ = log_ticks(low_, high_, tick_count);
    return;
  }
  // A curve that comes near zero is read against zero.
  if (round && !low && low_ > 0 && low_ < 0.35 * high_) low_ = 0;
  if (round) {
    const double step = nice_step(high_ - low_, tick_count);
    if (!low) low_ = std::floor(low_ / step + 1e-6) * step;
    if (!high) high_ = std::ceil(high_ / step - 1e-6) * step;
  }
  ticks_ = nice_ticks(low_, high_, tick_count, whole_);
}

void Axis::find_range(std::span<const double> values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values)
    if (shows(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
      whole_ = whole_ && value == std::round(value);
    }
  if (low > high) {  // nothing to show
    low_ = scale_ == Scale::logarithmic ? 0.1 : 0;
    high_ = 1;
    return;
  }
  const bool flat = high - low <= 1e-12 * std::max(std::abs(low), std::abs(high)) || low == high;
  if (scale_ == Scale::logarithmic) {
    low_ = flat ? low / 2 : low;
    high_ = flat ? high * 2 : high;
  } else {
    const double padding = low == 0 ? 1 : whole_ ? std::max(1.0, std::abs(low) / 10) : std::abs(low) / 10;
    low_ = flat ? low - padding : low;
    high_ = flat ? high + padding : high;
  }
}

bool Axis::shows(double value) const {
  if (!std::isfinite(value) || std::abs(value) > largest_shown) return false;
  return scale_ == Scale::linear || value >= smallest_shown;
}

double Axis::at(double value) const {
  if (scale_ == Scale::linear) return (value - low_) / (high_ - low_);
  return (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_));
}

}  // namespace resnet
