// A strict but small XML reader for the tests: enough to notice an unescaped sign or a tag that is not closed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// Empty if `text` is one well-formed element (a leading <!DOCTYPE ...> is skipped), else what is wrong and where.
inline std::string xml_fault(std::string_view text) {
  std::vector<std::string> open;
  std::size_t elements = 0, position = 0;
  const auto fault = [&](const std::string& what) { return what + " at: " + std::string(text.substr(position, 60)); };
  if (text.starts_with("<!DOCTYPE")) position = text.find('>') + 1;
  while (position < text.size()) {
    const char sign = text[position];
    if (sign == '&') {
      const std::size_t end = text.find(';', position);
      if (end == text.npos || end - position > 7) return fault("bare &");
      position = end + 1;
    } else if (sign != '<') {
      if (open.empty() && sign != '\n' && sign != ' ') return fault("text outside the root");
      ++position;
    } else {
      std::size_t end = position + 1;
      for (char quote = 0; end < text.size() && (quote != 0 || text[end] != '>'); ++end) {
        if (text[end] == '<') return fault("< inside a tag");
        if (text[end] == '"') quote = quote == 0 ? '"' : '\0';
      }
      if (end >= text.size()) return fault("unfinished tag");
      const std::string_view tag = text.substr(position + 1, end - position - 1);
      const std::string name(tag.substr(0, tag.find_first_of(" /", 1)));
      if (tag.starts_with('/')) {
        if (open.empty() || "/" + open.back() != std::string(tag)) return fault("closes what is not open");
        open.pop_back();
      } else {
        if (open.empty() && elements > 0) return fault("second root");
        ++elements;
        if (!tag.ends_with('/')) open.push_back(name);
      }
      position = end + 1;
    }
  }
  if (!open.empty()) return "not closed: " + open.back();
  return elements > 0 ? "" : "no element";
}

}  // namespace resnet
