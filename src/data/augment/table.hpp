// Changes that look at one value at a time, as a table of 256 values.
#pragma once

#include "data/image.hpp"

#include <array>
#include <cstdint>

namespace resnet {

using ValueTable = std::array<uint8_t, 256>;

/// Replaces each value by the table's.
inline void apply_table(Image& image, const ValueTable& table) {
  for (uint8_t& value : image.pixels) value = table[value];
}

/// The table that f(value) gives.
template <class Function>
ValueTable table_of(Function&& f) {
  ValueTable table{};
  for (int value = 0; value < 256; ++value) table[static_cast<std::size_t>(value)] = f(value);
  return table;
}

/// degenerate + factor (value - degenerate) in single precision, cut and rounded down: Pillow's blend of one value.
inline uint8_t blend(int degenerate, int value, float factor) {
  const float mixed = static_cast<float>(degenerate) + factor * static_cast<float>(value - degenerate);
  return mixed <= 0 ? 0 : mixed >= 255 ? 255 : static_cast<uint8_t>(mixed);
}

}  // namespace resnet
