// Text from a file, fit for a one-line message: short, and without control characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace resnet {

/// The first `limit` bytes or a few less, so that no UTF-8 character is cut; "..." says that more followed.
inline std::string excerpt(std::string_view text, std::size_t limit = 80) {
  const bool cut = text.size() > limit;
  while (cut && limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  std::string shown(text.substr(0, limit));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return cut ? shown + "..." : shown;
}

}  // namespace resnet
