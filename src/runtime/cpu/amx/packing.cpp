// What brings weights and images into the form that the products want.
#include "runtime/cpu/amx/tiles.hpp"

#include <cstring>

namespace resnet::cpu::amx {

namespace {

/// 16 outputs x 32 inputs of the sum as a tile.
RESNET_INLINE void pack_tile(const WeightPacking& p, const float* weights, int64_t output, int64_t kernel_row,
                             const int32_t* taps, std::byte* tile) {
  alignas(64) float rows[16][32];
  const int64_t present = p.outputs - output < 16 ? p.outputs - output : 16;
  std::memset(rows, 0, sizeof rows);
  for (int k = 0; k < 32; ++k) {
    const int64_t column = taps[k] / p.inputs, input = taps[k] % p.inputs;
    if (taps[k] < 0 || input >= p.real_inputs) continue;
    const float* from =
        weights + output * p.output_stride + input * p.input_stride + kernel_row * p.kernel_width + column;
    for (int64_t o = 0; o < present; ++o) rows[o][k] = from[o * p.output_stride];
  }
  for (int o = 0; o < 16; ++o)
    store_row(tile + o * row_bytes,
              reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(_mm512_load_ps(rows[o] + 16), _mm512_load_ps(rows[o]))));
}

}  // namespace

void pack_weights(const WeightPacking& p, const float* weights, std::byte* packed, int64_t begin, int64_t end) {
  const int64_t row = p.row_tiles * tile_bytes, block_bytes = p.kernel_rows * row;
  for (int64_t block = begin; block < end; ++block)
    for (int64_t tile = 0; tile < p.row_tiles; ++tile)  // taps of the same channels lie near each other
      for (int64_t r = 0; r < p.kernel_rows; ++r)
        pack_tile(p, weights, block * 16, r, p.taps + tile * 32,
                  packed + block * block_bytes + r * row + tile * tile_bytes);
}

void pack_images(const float* x, int64_t image, int64_t channels, int64_t pixels, int64_t begin, int64_t end,
                 BFloat16* y) {
  const int64_t pairs = (channels + 1) / 2;
  const __m512i apart = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                           _mm512_set1_epi32(static_cast<int>(image)));
  for (int64_t pixel = begin; pixel < end; ++pixel)
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const float* from = x + 2 * pair * pixels + pixel;
      const __m512 even = _mm512_i32gather_ps(apart, from, 4);
      const __m512 odd =
          2 * pair + 1 < channels ? _mm512_i32gather_ps(apart, from + pixels, 4) : _mm512_setzero_ps();
      store_row(y + (pixel * pairs + pair) * 32, pack({even, odd}));
    }
}

}  // namespace resnet::cpu::amx
