// "Did you mean ...": the known name nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace resnet {

/// "; did you mean NAME?": the known name with the fewest insertions, deletions and substitutions of characters, the
/// first among equals. Nothing where that is too far from being a slip of the fingers (more than half the letters).
std::string did_you_mean(std::string_view name, std::span<const std::string> known);

}  // namespace resnet
