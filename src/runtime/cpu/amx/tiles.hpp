// What the AMX kernels share: tiles of 16 rows of 64 bytes, and a row of bf16 pairs as two vectors of floats.
#pragma once

#include "runtime/cpu/amx/kernels.hpp"

#include <immintrin.h>

namespace resnet::cpu::amx {

#define RESNET_INLINE static inline __attribute__((always_inline))

/// The compiler does not know what tile instructions read through a pointer: what was stored there before must be
/// there.
RESNET_INLINE void stores_before_tiles(const void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

/// While it lives, this thread's tiles are 16 rows of 64 bytes. oneDNN's kernels configure theirs for each call.
class Tiles {
 public:
  Tiles() {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    for (int tile = 0; tile < 8; ++tile) {
      config.row_bytes[tile] = 64;
      config.rows[tile] = 16;
    }
    stores_before_tiles(&config);
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// 16 images of an even channel and of the odd one behind it.
struct Pair {
  __m512 even, odd;
};

RESNET_INLINE Pair unpack(__m512i row) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(row, 16)),
          _mm512_castsi512_ps(_mm512_and_si512(row, _mm512_set1_epi32(static_cast<int>(0xffff0000U))))};
}

RESNET_INLINE __m512i pack(Pair pair) {
  alignas(64) static constexpr uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  // The lower half of the result comes from the second operand.
  const auto halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(pair.odd, pair.even));
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), halves);
}

RESNET_INLINE __m512i load_row(const void* p) { return _mm512_load_si512(p); }
RESNET_INLINE void store_row(void* p, __m512i row) { _mm512_store_si512(p, row); }

/// max(x, 0); a NaN passes.
RESNET_INLINE __m512 rectify(__m512 x) {
  return _mm512_mask_mov_ps(x, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), _mm512_setzero_ps());
}
RESNET_INLINE Pair rectify(Pair pair) { return {rectify(pair.even), rectify(pair.odd)}; }

RESNET_INLINE __m512 where_positive(__m512 condition, __m512 x) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(condition, _mm512_setzero_ps(), _CMP_GT_OQ), x);
}

/// Sums of x - pivot and of its square for one channel, a lane for each image.
struct LaneSums {
  __m512 pivot, sum, squares;
};

/// Mean, and sum of squares about it, over all lanes, each of which has summed `count` values.
void join_lanes(const LaneSums& sums, double count, double* mean, double* squares);

}  // namespace resnet::cpu::amx
