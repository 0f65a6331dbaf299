// Writing to stderr, and what it can show.
#pragma once

#include <string_view>

namespace resnet {

/// All that goes to stderr goes through here. Failure is ignored: a full disk, a closed pipe or no stderr at all must
/// not end a training, and there is nowhere left to complain to.
void print_stderr(std::string_view text);

/// Fills descriptors 0, 1 and 2 if the caller closed them, so that no file opened later takes their number and gets
/// what is meant for stderr. Reading and writing there fails as before. For main(), before anything is opened.
void reserve_standard_streams();

/// True if stderr is a terminal that understands cursor movement (TERM is set and not "dumb").
bool stderr_is_terminal();

/// True if colours are wanted as well: NO_COLOR unset.
bool stderr_has_colour();

/// Returns to the first column and clears to the end of the line.
inline constexpr std::string_view clear_line = "\r\x1b[K";

}  // namespace resnet
