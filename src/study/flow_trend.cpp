#include "study/flow_trend.hpp"

#include <fmt/format.h>

namespace resnet {
namespace {

constexpr bool healthy(Trend trend) { return trend != Trend::vanishes && trend != Trend::explodes; }

std::string interval_trend(const Summary& ratio) {
  const Trend low = trend_at(ratio.low), high = trend_at(ratio.high);
  return low == high ? std::string(name_of(low)) : fmt::format("{} or {}", name_of(low), name_of(high));
}

}  // namespace

std::string_view name_of(Trend trend) {
  switch (trend) {
    case Trend::vanishes: return "vanishes";
    case Trend::shrinks: return "shrinks";
    case Trend::grows: return "grows";
    case Trend::explodes: return "explodes";
    case Trend::within: break;
  }
  return "stays within tenfold";
}

Trend trend_at(double ratio) {
  if (ratio > drastic) return Trend::explodes;
  if (ratio > noticeable) return Trend::grows;
  if (ratio < 1 / drastic) return Trend::vanishes;
  return ratio < 1 / noticeable ? Trend::shrinks : Trend::within;
}

std::string trend_text(const Summary& ratio) {
  if (ratio.has_interval()) return interval_trend(ratio);
  if (ratio.count == 0) return "has no ratio in any trial";
  return fmt::format("is not judged by {} trial{}", ratio.count, ratio.count == 1 ? "" : "s");
}

std::string short_trend_text(const Summary& ratio) {
  if (ratio.has_interval()) return interval_trend(ratio);
  return ratio.count == 0 ? "none" : "too few";
}

Finding health_of(const Summary& ratio) {
  if (!ratio.has_interval()) return Finding::undecided;
  const Trend low = trend_at(ratio.low), high = trend_at(ratio.high);
  if (healthy(low) && healthy(high)) return Finding::holds;
  return low == high ? Finding::fails : Finding::undecided;
}

std::string trend_bounds_text() {
  return fmt::format(
      "The words go by |dL/dh| first / last: within tenfold from {0} to {1}, shrinks below and grows above; vanishes "
      "below {2}, explodes above {3}; two words where the interval crosses a bound.",
      1 / noticeable, noticeable, 1 / drastic, drastic);
}

}  // namespace resnet
