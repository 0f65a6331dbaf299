// What brings weights and images into the form that the products want, and the products alone, for their ceiling.
#include "runtime/cpu/amx/tiles.hpp"

namespace resnet::cpu::amx {

namespace {

/// The weights of one output for the 16 inputs of a sum from taps[0] on. Whole blocks of 16 channels of one tap are
/// gathered at once; only the network's first layer has others.
RESNET_INLINE __m512 load_inputs(const WeightPacking& p, const float* weights, const int32_t* taps) {
  if (taps[0] < 0) return _mm512_setzero_ps();
  if (p.inputs % 16 == 0) {
    const float* first = weights + taps[0] % p.inputs * p.input_stride + taps[0] / p.inputs;
    if (p.input_stride == 1) return _mm512_loadu_ps(first);
    const __m512i order = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_i32gather_ps(_mm512_mullo_epi32(order, _mm512_set1_epi32(static_cast<int>(p.input_stride))), first,
                               4);
  }
  alignas(64) float row[16] = {};
  for (int k = 0; k < 16; ++k)
    if (taps[k] >= 0 && taps[k] % p.inputs < p.real_inputs)
      row[k] = weights[taps[k] % p.inputs * p.input_stride + taps[k] / p.inputs];
  return _mm512_load_ps(row);
}

/// 16 outputs x 32 inputs of the sum as a tile.
RESNET_INLINE void pack_tile(const WeightPacking& p, const float* weights, const int32_t* taps, std::byte* tile) {
  for (int o = 0; o < 16; ++o, weights += p.output_stride)
    store_row(tile + o * row_bytes, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(load_inputs(p, weights, taps + 16),
                                                                                  load_inputs(p, weights, taps))));
}

}  // namespace

void pack_weights(const WeightPacking& p, const float* weights, std::byte* packed, int64_t begin, int64_t end) {
  const int64_t row = p.row_tiles * tile_bytes, block_bytes = p.kernel_rows * row;
  for (int64_t block = begin; block < end; ++block)
    for (int64_t tile = 0; tile < p.row_tiles; ++tile)  // taps of the same channels lie near each other
      for (int64_t r = 0; r < p.kernel_rows; ++r)
        pack_tile(p, weights + block * 16 * p.output_stride + r * p.kernel_width, p.taps + tile * 32,
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
      const __m512 odd = 2 * pair + 1 < channels ? _mm512_i32gather_ps(apart, from + pixels, 4) : _mm512_setzero_ps();
      store_row(y + (pixel * pairs + pair) * 32, pack({even, odd}));
    }
}

float multiply_tiles(const float* numbers, int64_t rounds) {
  const Tiles tiles;
  alignas(64) float sums[256];
  alignas(64) BFloat16 factors[512];
  for (int row = 0; row < 16; ++row)
    store_row(factors + row * 32, pack({_mm512_loadu_ps(numbers), _mm512_loadu_ps(numbers + 16)}));
  stores_before_tiles(factors);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, factors, 64);
  _tile_loadd(5, factors, 64);
  for (int64_t round = 0; round < rounds; ++round) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_stored(0, sums, 64);
  return sums[0];
}

}  // namespace resnet::cpu::amx
