// bf16 on the host, one number at a time. Kernels have vector forms of their own (runtime/cpu/isa/vector.hpp).
#pragma once

#include "base/dtype.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace resnet {

inline float to_float(BFloat16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }

/// To the nearest, even on ties; beyond the largest, infinity. A NaN stays one.
inline BFloat16 to_bfloat16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  constexpr uint32_t quiet = 0x40;
  if (std::isnan(x)) return {static_cast<uint16_t>((bits >> 16) | quiet)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

}  // namespace resnet
