#include "report/escape.hpp"

#include <array>
#include <cstdint>

namespace resnet {
namespace {

// The bytes of the character that starts at `text[0]`, or 0 if that is no valid UTF-8 (RFC 3629: no surrogates, no
// overlong forms, nothing above U+10FFFF).
std::size_t valid_length(std::string_view text) {
  const auto byte = [&](std::size_t index) { return static_cast<uint8_t>(text[index]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
  if (length == 0 || first > 0xF4 || text.size() < length) return 0;
  uint32_t code = first & (0xFFU >> (length + 1));
  for (std::size_t index = 1; index < length; ++index) {
    if ((byte(index) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(index) & 0x3FU);
  }
  constexpr std::array<uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < smallest[length] || surrogate || code > 0x10FFFF || code == 0xFFFE || code == 0xFFFF ? 0 : length;
}

constexpr std::string_view replacement = "\xEF\xBF\xBD";

std::string_view entity(char character) {
  switch (character) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return {};
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = valid_length(text);
    const char first = text[0];
    const bool forbidden = length == 1 && static_cast<uint8_t>(first) < 0x20 && first != '\n' && first != '\t';
    if (length == 0 || forbidden)
      escaped += replacement;
    else if (const std::string_view name = entity(first); !name.empty())
      escaped += name;
    else
      escaped += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

std::size_t character_count(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    const std::size_t length = valid_length(text);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return count;
}

std::string shortened(std::string_view text, std::size_t count) {
  if (character_count(text) <= count) return std::string(text);
  std::string kept;
  for (std::size_t taken = 0; taken + 1 < count; ++taken) {
    const std::size_t length = valid_length(text);
    kept += text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return kept + "…";
}

}  // namespace resnet
