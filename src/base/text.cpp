#include "base/text.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace resnet {

std::string plural(int64_t count, std::string_view one, std::string_view many) {
  if (count == 1) return text_of("1 ", one);
  if (!many.empty()) return text_of(count, " ", many);
  return text_of(count, " ", one, one.ends_with('s') || one.ends_with("tch") ? "es" : "s");
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i ? ", '" : "'") + names[i] + "'";
  return names.size() > most ? text_of(text, " and ", names.size() - most, " more") : text;
}

}  // namespace resnet
