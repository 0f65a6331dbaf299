#include "runtime/cpu/amx/channels_last.hpp"

#include "runtime/cpu/amx/channels_last_gather.hpp"
#include "runtime/cpu/amx/tiles.hpp"

namespace resnet::cpu::amx {

namespace {

// --- products -------------------------------------------------------------------------------------------------------

/// Lines of weights that are asked for ahead of their use, some with each product: a core that waits for one line after
/// the other gets half of what the last cache can give.
struct Ahead {
  const std::byte* from = nullptr;
  int64_t lines = 0;  // with each product
};

RESNET_INLINE void fetch(const Ahead& ahead, int64_t product) {
  const std::byte* from = ahead.from + product * ahead.lines * line_bytes;
  for (int64_t line = 0; line < ahead.lines; ++line)
    _mm_prefetch(reinterpret_cast<const char*>(from + line * line_bytes), _MM_HINT_T0);
}

/// [32][N * 16] sums of all products, or [16][N * 16], for positions whose lines are `stride` bytes apart.
template <int M, int N>
RESNET_INLINE void multiply(const ChannelsLast& s, const std::byte* lines, int64_t stride, const std::byte* weights,
                            const Ahead& ahead, float* sums) {
  _tile_zero(0);
  if constexpr (N == 2) _tile_zero(1);
  if constexpr (M == 2) _tile_zero(2);
  if constexpr (M == 2 && N == 2) _tile_zero(3);
  for (int64_t k = 0; k < s.products; ++k, weights += N * tile_bytes) {
    const std::byte* a = lines + s.taps[k];
    fetch(ahead, k);
    _tile_loadd(6, weights, line_bytes);
    if constexpr (N == 2) _tile_loadd(7, weights + tile_bytes, line_bytes);
    _tile_loadd(4, a, stride);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (N == 2) _tile_dpbf16ps(1, 4, 7);
    if constexpr (M == 2) {
      _tile_loadd(5, a + 16 * stride, stride);
      _tile_dpbf16ps(2, 5, 6);
      if constexpr (N == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums, N * 64);
  if constexpr (N == 2) _tile_stored(1, sums + 16, N * 64);
  if constexpr (M == 2) _tile_stored(2, sums + N * 256, N * 64);
  if constexpr (M == 2 && N == 2) _tile_stored(3, sums + N * 256 + 16, N * 64);
  stores_before_tiles(sums);
}

/// [M * 16][16] sums: more positions for each weight that is read.
template <int M>
RESNET_INLINE void multiply_tall(const ChannelsLast& s, const std::byte* lines, int64_t stride,
                                 const std::byte* weights, const Ahead& ahead, float* sums) {
  _tile_zero(0);
  if constexpr (M > 1) _tile_zero(1);
  if constexpr (M > 2) _tile_zero(2);
  if constexpr (M > 3) _tile_zero(3);
  for (int64_t k = 0; k < s.products; ++k, weights += tile_bytes) {
    const std::byte* a = lines + s.taps[k];
    fetch(ahead, k);
    _tile_loadd(7, weights, line_bytes);
    _tile_loadd(4, a, stride);
    _tile_dpbf16ps(0, 4, 7);
    if constexpr (M > 1) {
      _tile_loadd(5, a + 16 * stride, stride);
      _tile_dpbf16ps(1, 5, 7);
    }
    if constexpr (M > 2) {
      _tile_loadd(6, a + 32 * stride, stride);
      _tile_dpbf16ps(2, 6, 7);
    }
    if constexpr (M > 3) {
      _tile_loadd(4, a + 48 * stride, stride);
      _tile_dpbf16ps(3, 4, 7);
    }
  }
  _tile_stored(0, sums, line_bytes);
  if constexpr (M > 1) _tile_stored(1, sums + 256, line_bytes);
  if constexpr (M > 2) _tile_stored(2, sums + 512, line_bytes);
  if constexpr (M > 3) _tile_stored(3, sums + 768, line_bytes);
  stores_before_tiles(sums);
}

__m512 widen(__m256i half) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16)); }

/// 32 output channels of a pixel, or 16 of two. A maximum with the NaN second passes it on.
RESNET_INLINE void finish_32(const float* sums, __mmask32 present, __m512 low_bias, __m512 high_bias,
                             const BFloat16* residual, bool relu, BFloat16* y) {
  __m512 low = _mm512_add_ps(_mm512_load_ps(sums), low_bias);
  __m512 high = _mm512_add_ps(_mm512_load_ps(sums + 16), high_bias);
  if (residual) {
    const __m512i other = _mm512_maskz_loadu_epi16(present, residual);
    low = _mm512_add_ps(low, widen(_mm512_castsi512_si256(other)));
    high = _mm512_add_ps(high, widen(_mm512_extracti64x4_epi64(other, 1)));
  }
  if (relu) {
    low = _mm512_max_ps(_mm512_setzero_ps(), low);
    high = _mm512_max_ps(_mm512_setzero_ps(), high);
  }
  _mm512_mask_storeu_epi16(y, present, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
}

RESNET_INLINE void finish_16(const float* sums, __mmask16 present, __m512 bias, const BFloat16* residual, bool relu,
                             BFloat16* y) {
  __m512 sum = _mm512_add_ps(_mm512_load_ps(sums), bias);
  if (residual) sum = _mm512_add_ps(sum, widen(_mm256_maskz_loadu_epi16(present, residual)));
  if (relu) sum = _mm512_max_ps(_mm512_setzero_ps(), sum);
  _mm256_mask_storeu_epi16(y, present, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(sum)));
}

/// Where a block of positions stands, and where its results go.
struct Block {
  const std::byte* lines;
  int64_t stride;
  int64_t column;     // of the first position
  int64_t positions;  // that exist
  int64_t pixel;      // of the first position's row, first column, in y
};

/// Adds what is to be added to the sums of up to `positions` positions from the block's first, and stores them.
template <int N>
RESNET_INLINE void finish_block(const ChannelsLast& s, const Block& block, int64_t channel, int64_t positions,
                                const float* sums, BFloat16* y, const ChannelsLastFinish& finish) {
  const int64_t count = smaller(s.out_channels - channel, N * 16);
  const float* bias = finish.bias ? finish.bias + channel : nullptr;
  const __m512 none = _mm512_setzero_ps();
  const __m512 low_bias = bias ? _mm512_maskz_loadu_ps(first16(count), bias) : none;
  const __m512 high_bias = bias ? _mm512_maskz_loadu_ps(first16(count - 16), bias + 16) : none;
  int64_t column = block.column, at = block.pixel * s.y_pixel + channel;
  positions = smaller(block.positions, positions);
  for (int64_t p = 0; p < positions;) {
    const int64_t run = smaller(s.out_width - column, positions - p);
    int64_t i = 0;
    const auto residual = [&](int64_t pixel) { return finish.residual ? finish.residual + pixel : nullptr; };
    if (N == 1 && count == 16 && s.y_pixel == 16)
      for (; i + 2 <= run; i += 2) {
        const int64_t pixel = at + (column + i) * 16;
        finish_32(sums + (p + i) * 16, first(32), low_bias, low_bias, residual(pixel), finish.relu, y + pixel);
      }
    for (; i < run; ++i) {
      const int64_t pixel = at + (column + i) * s.y_pixel;
      if constexpr (N == 2)
        finish_32(sums + (p + i) * 32, first(count), low_bias, high_bias, residual(pixel), finish.relu, y + pixel);
      else
        finish_16(sums + (p + i) * 16, first16(count), low_bias, residual(pixel), finish.relu, y + pixel);
    }
    p += larger(run, 0) + s.columns - larger(column, s.out_width);  // past the columns that nobody reads
    at += s.out_width * s.y_pixel;
    column = 0;
  }
}

template <int M, int N>
void compute(const ChannelsLast& s, const Block& block, int64_t share, const std::byte* weights, const Ahead& ahead,
             BFloat16* y, const ChannelsLastFinish& finish) {
  alignas(64) float sums[M * N * 256];
  multiply<M, N>(s, block.lines, block.stride, weights, ahead, sums);
  finish_block<N>(s, block, share * 32, M * 16, sums, y, finish);
}

template <int M>
void compute_tall(const ChannelsLast& s, const Block& block, int64_t share, const std::byte* weights,
                  const Ahead& ahead, BFloat16* y, const ChannelsLastFinish& finish) {
  alignas(64) float sums[M * 256];
  multiply_tall<M>(s, block.lines, block.stride, weights, ahead, sums);
  finish_block<1>(s, block, share * 16, M * 16, sums, y, finish);
}

/// One share of the output channels, whose weights are `weights`.
void compute_block(const ChannelsLast& s, const Block& block, int64_t share, const std::byte* weights,
                   const Ahead& ahead, BFloat16* y, const ChannelsLastFinish& finish) {
  const int64_t positions = block.positions;
  if (s.tall) {
    if (positions > 48) return compute_tall<4>(s, block, share, weights, ahead, y, finish);
    if (positions > 32) return compute_tall<3>(s, block, share, weights, ahead, y, finish);
    if (positions > 16) return compute_tall<2>(s, block, share, weights, ahead, y, finish);
    return compute_tall<1>(s, block, share, weights, ahead, y, finish);
  }
  const bool both = s.out_channels - share * 32 > 16;
  if (positions > 16)
    both ? compute<2, 2>(s, block, share, weights, ahead, y, finish)
         : compute<2, 1>(s, block, share, weights, ahead, y, finish);
  else
    both ? compute<1, 2>(s, block, share, weights, ahead, y, finish)
         : compute<1, 1>(s, block, share, weights, ahead, y, finish);
}

/// What to fetch with block `i` of `blocks` that multiply the weights of one share: the next share's, over all blocks
/// but the first. The first share of all, and one that a single block reads, are fetched a little ahead of the
/// products.
Ahead ahead_of(const ChannelsLast& s, const std::byte* weights, int64_t i, int64_t blocks, bool first, bool last) {
  const int64_t product_lines = s.share();
  if (blocks == 1 || (first && i == 0)) return {weights + 16 * tile_bytes, product_lines};
  if (last || i == 0) return {};
  const int64_t lines = (product_lines + blocks - 2) / (blocks - 1);
  return {weights + s.products * (product_lines + (i - 1) * lines) * line_bytes, lines};
}

/// Positions [0, count) from `lines` on, the first of which is the output's `pixel`.
void compute_positions(const ChannelsLast& s, const ChannelsLastPart& part, const std::byte* lines, int64_t stride,
                       int64_t count, int64_t pixel, const std::byte* weights, BFloat16* y,
                       const ChannelsLastFinish& finish) {
  const int64_t step = s.tall ? 64 : 32, share_bytes = s.products * s.share() * line_bytes;
  const auto block = [&](int64_t p) {
    return Block{lines + p * stride, stride, p % s.columns, count - p, pixel + p / s.columns * s.out_width};
  };
  if (!s.weights_first) {
    for (int64_t p = 0; p < count; p += step)
      for (int64_t share = part.share_begin; share < part.share_end; ++share)
        compute_block(s, block(p), share, weights + share * share_bytes, {}, y, finish);
    return;
  }
  const int64_t blocks = (count + step - 1) / step;
  for (int64_t share = part.share_begin; share < part.share_end; ++share) {
    const bool first = share == part.share_begin, last = share + 1 == part.share_end;
    const std::byte* here = weights + share * share_bytes;
    for (int64_t i = 0; i < blocks; ++i)
      compute_block(s, block(i * step), share, here, ahead_of(s, here, i, blocks, first, last), y, finish);
  }
}

}  // namespace

void convolve(const ChannelsLast& s, const ChannelsLastPart& part, const BFloat16* x, const std::byte* weights,
              BFloat16* y, const ChannelsLastFinish& finish, std::byte* scratch) {
  const Tiles tiles;
  if (s.direct) {
    const auto* lines = reinterpret_cast<const std::byte*>(x + part.row_begin * s.x_pixel);
    ChannelsLastFinish here = finish;
    if (here.residual) here.residual += part.row_begin * s.y_pixel;
    compute_positions(s, part, lines, s.x_pixel * 2, part.row_end - part.row_begin, 0, weights,
                      y + part.row_begin * s.y_pixel, here);
    return;
  }
  for (int64_t n = part.image_begin; n < part.image_end; ++n)
    for (int64_t row = part.row_begin; row < part.row_end; row += s.band) {
      const int64_t count = smaller(s.band, part.row_end - row);
      gather(s, x + n * s.x_image, row, count, scratch);
      stores_before_tiles(scratch);
      ChannelsLastFinish here = finish;
      if (here.residual) here.residual += n * s.y_image;
      compute_positions(s, part, scratch, line_bytes, count * s.columns, row * s.out_width, weights, y + n * s.y_image,
                        here);
    }
}

}  // namespace resnet::cpu::amx
