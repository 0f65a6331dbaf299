#include "models/names.hpp"

#include "base/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace resnet {
namespace {

template <class Enum>
std::string_view name_among(Enum value) {
  return names_of(value)[static_cast<std::size_t>(value)];
}

template <class Enum>
Enum from_option(std::string_view name, std::string_view what) {
  const auto& names = names_of(Enum{});
  const auto equal = [&](std::string_view other) {
    return std::ranges::equal(
        name, other, {}, [](unsigned char c) { return std::tolower(c); },
        [](unsigned char c) { return std::tolower(c); });
  };
  const auto found = std::ranges::find_if(names, equal);
  if (found == names.end())
    fail_usage("unknown ", what, " '", name, "': expected one of ", fmt::format("{}", fmt::join(names, ", ")));
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view name_of(Family family) { return name_among(family); }
std::string_view name_of(Stem stem) { return name_among(stem); }
std::string_view name_of(BlockKind block) { return name_among(block); }
std::string_view name_of(Shortcut shortcut) { return name_among(shortcut); }
std::string_view name_of(Projection projection) { return name_among(projection); }
std::string_view name_of(StrideAt stride_at) { return name_among(stride_at); }
std::string_view name_of(ZeroChannels zero_channels) { return name_among(zero_channels); }
std::string_view name_of(Activation activation) { return name_among(activation); }
std::string_view name_of(Gate gate) { return name_among(gate); }

Shortcut shortcut_from_name(std::string_view name) { return from_option<Shortcut>(name, "shortcut"); }
StrideAt stride_at_from_name(std::string_view name) { return from_option<StrideAt>(name, "place of the stride"); }

}  // namespace resnet
