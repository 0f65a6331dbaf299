// The first half of a channels-last convolution, and the arithmetic of lines that both halves share.
#pragma once

#include "runtime/cpu/amx/channels_last.hpp"
#include "runtime/cpu/amx/tiles.hpp"

namespace resnet::cpu::amx {

RESNET_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
RESNET_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

RESNET_INLINE __mmask32 first(int64_t count) { return count >= 32 ? ~__mmask32{0} : (__mmask32{1} << count) - 1; }
RESNET_INLINE __mmask16 first16(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}

/// The rows that output rows [row, row + count) read, into planes with their padding.
void gather(const ChannelsLast& s, const BFloat16* image, int64_t row, int64_t count, std::byte* planes);

}  // namespace resnet::cpu::amx
