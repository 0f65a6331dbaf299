// 16-bit floats as files store them, widened exactly to f32.
#pragma once

#include <bit>
#include <cstdint>

namespace resnet {

/// bfloat16 is the upper half of an f32.
constexpr float float_from_bf16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

/// IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
constexpr float float_from_f16(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16, exponent = (bits >> 10) & 0x1fu, fraction = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);  // infinities and NaN
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 127 - 15) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;  // zero and subnormal
  return sign ? -magnitude : magnitude;
}

}  // namespace resnet
