// What stderr can show.
#pragma once

#include <string_view>

namespace resnet {

/// True if stderr is a terminal that understands cursor movement (TERM is set and not "dumb").
bool stderr_is_terminal();

/// True if colours are wanted as well: NO_COLOR unset.
bool stderr_has_colour();

/// Returns to the first column and clears to the end of the line.
inline constexpr std::string_view clear_line = "\r\x1b[K";

}  // namespace resnet
