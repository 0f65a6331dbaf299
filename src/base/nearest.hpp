// "Did you mean ...": the known name nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace resnet {

/// The known name with the fewest insertions, deletions and substitutions of characters; the first among equals, empty
/// if there are none.
std::string nearest_name(std::string_view name, std::span<const std::string> known);

/// "; did you mean NAME?" where the nearest name is not too far from being a slip of the fingers, else nothing.
std::string did_you_mean(std::string_view name, std::span<const std::string> known);

}  // namespace resnet
