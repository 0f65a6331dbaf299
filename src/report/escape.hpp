// Text made safe for HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace resnet {

/// & < > " ' as entities; control characters that XML forbids and broken UTF-8 become U+FFFD.
std::string escape_html(std::string_view text);

/// Characters (code points) of UTF-8 text; a broken byte counts as one.
std::size_t character_count(std::string_view text);

/// The first `count` characters, with "…" as the last one if some were cut.
std::string shortened(std::string_view text, std::size_t count);

}  // namespace resnet
