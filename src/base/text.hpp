// Numbers and lists in sentences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// "1 photo", "24 photos", "2 classes". `many` is the plural where it is not by s, or es after s and tch.
std::string plural(int64_t count, std::string_view one, std::string_view many = {});
template <class Count>
std::string plural(Count count, std::string_view one, std::string_view many = {}) {
  return plural(static_cast<int64_t>(count), one, many);
}

/// "'ants', 'bees', 'cats' and 5 more": at most three.
std::string listed(const std::vector<std::string>& names);

}  // namespace resnet
