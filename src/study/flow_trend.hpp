// What a gradient does on its way back through a network, judged by how the gradient of the first activations compares
// with that of the last. The bounds are printed wherever the words are.
#pragma once

#include "study/report.hpp"
#include "study/statistics.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace resnet {

enum class Trend : uint8_t { vanishes, shrinks, within, grows, explodes };
inline constexpr double noticeable = 10, drastic = 1000;
std::string_view name_of(Trend trend);

/// Of one ratio first / last: within a factor of 10, beyond it, or beyond a factor of 1000.
Trend trend_at(double ratio);

/// Of many, by the whole interval of their median: "grows", or "stays within tenfold or grows" where the interval
/// crosses a bound; "is not judged by 2 trials" where there is no interval.
std::string trend_text(const Summary& ratio);

/// For a column: the same without a reason, "too few".
std::string short_trend_text(const Summary& ratio);

/// Whether the gradient neither vanishes nor explodes; undecided where the interval leaves it open, or is not there.
Finding health_of(const Summary& ratio);

/// What the words stand for, in one sentence.
std::string trend_bounds_text();

}  // namespace resnet
