#include "runtime/cpu/amx/channels_last.hpp"

#include "runtime/cpu/amx/tiles.hpp"

namespace resnet::cpu::amx {

namespace {

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

__mmask32 first(int64_t count) { return count >= 32 ? ~__mmask32{0} : (__mmask32{1} << count) - 1; }
__mmask16 first16(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}

// --- gathering ------------------------------------------------------------------------------------------------------

void zero_lines(std::byte* line, int64_t count) {
  for (int64_t i = 0; i < count; ++i) _mm512_store_si512(line + i * line_bytes, _mm512_setzero_si512());
}

/// One row of an image into the plane of each step: `line` is the row's first position.
void gather_row(const ChannelsLast& s, const BFloat16* row, int phase, std::byte* line) {
  const int64_t plane = s.lines() * line_bytes;
  // Positions whose pixel q * stride + phase - pad lies in the image.
  const int64_t shift = s.pad_left - phase;
  const int64_t begin = smaller(larger((shift + s.stride_w - 1) / s.stride_w, 0), s.columns);
  const int64_t furthest = s.width - 1 + shift;  // negative where this phase begins behind the image already
  const int64_t end = larger(furthest < 0 ? 0 : smaller(furthest / s.stride_w + 1, s.columns), begin);
  for (int64_t step = 0; step < s.steps; ++step) {
    zero_lines(line + step * plane, begin);
    zero_lines(line + step * plane + end * line_bytes, s.columns - end);
  }
  const int64_t whole = s.channels / line_channels;
  const __mmask32 rest = first(s.channels % line_channels);
  for (int64_t q = begin; q < end; ++q) {
    const BFloat16* pixel = row + (q * s.stride_w - shift) * s.x_pixel;
    std::byte* to = line + q * line_bytes;
    for (int64_t step = 0; step < whole; ++step)
      _mm512_store_si512(to + step * plane, _mm512_loadu_si512(pixel + step * line_channels));
    if (rest) _mm512_store_si512(to + whole * plane, _mm512_maskz_loadu_epi16(rest, pixel + whole * line_channels));
  }
}

/// Four planes' pixels side by side; those of missing channels are zero.
void interleave(const ChannelsLast& s, const BFloat16* plane, BFloat16* row) {
  const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  const int64_t pixels = s.height * s.width;
  for (int64_t w = 0; w < s.width; w += 16) {
    const __mmask16 present = first16(s.width - w);
    __m512i channel[4];
    for (int c = 0; c < 4; ++c)
      channel[c] = _mm512_cvtepu16_epi32(
          _mm256_maskz_loadu_epi16(c < s.channels ? present : __mmask16{0}, plane + c * pixels + w));
    const __m512i first_two = _mm512_or_si512(channel[0], _mm512_slli_epi32(channel[1], 16));
    const __m512i last_two = _mm512_or_si512(channel[2], _mm512_slli_epi32(channel[3], 16));
    _mm512_storeu_si512(row + w * 4, _mm512_permutex2var_epi32(first_two, low, last_two));
    _mm512_storeu_si512(row + w * 4 + 32, _mm512_permutex2var_epi32(first_two, high, last_two));
  }
}

/// A row of the image, `slot` elements for each pixel.
void copy_row(const ChannelsLast& s, const BFloat16* from, BFloat16* row) {
  if (s.planar) return interleave(s, from, row);
  const __mmask32 present = first(s.channels);
  if (s.x_pixel == s.slot) {
    const int64_t all = s.width * s.slot;
    for (int64_t i = 0; i < all; i += 32)
      _mm512_mask_storeu_epi16(row + i, first(all - i), _mm512_maskz_loadu_epi16(first(all - i), from + i));
    return;
  }
  for (int64_t w = 0; w < s.width; ++w)
    _mm512_mask_storeu_epi16(row + w * s.slot, present, _mm512_maskz_loadu_epi16(present, from + w * s.x_pixel));
}

/// The rows that output rows [row, row + count) read, into planes with their padding.
void gather(const ChannelsLast& s, const BFloat16* image, int64_t row, int64_t count, std::byte* planes) {
  const bool several = s.slot < line_channels;
  auto* padded = reinterpret_cast<BFloat16*>(planes + s.gathered_bytes() + 64 * line_bytes);
  if (several) zero_lines(reinterpret_cast<std::byte*>(padded), s.row_bytes() / line_bytes);
  const int64_t rows = s.rows - s.band + count, plane = s.lines() * line_bytes * s.steps;
  for (int phase_h = 0; phase_h < s.phases_h; ++phase_h)
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t h = (row + r) * s.stride_h + phase_h - s.pad_top;
      const bool inside = h >= 0 && h < s.height;
      const BFloat16* from = image + h * s.width * (s.planar ? 1 : s.x_pixel);
      if (inside && several) copy_row(s, from, padded + s.pad_left * s.slot);
      for (int phase_w = 0; phase_w < s.phases_w; ++phase_w) {
        std::byte* line = planes + (phase_h * s.phases_w + phase_w) * plane + r * s.columns * line_bytes;
        if (!inside)
          for (int64_t step = 0; step < s.steps; ++step) zero_lines(line + step * s.lines() * line_bytes, s.columns);
        else if (several)
          for (int64_t q = 0; q < s.columns; ++q)
            _mm512_store_si512(line + q * line_bytes, _mm512_loadu_si512(padded + (q * s.stride_w + phase_w) * s.slot));
        else
          gather_row(s, from, phase_w, line);
      }
    }
}

// --- products -------------------------------------------------------------------------------------------------------

/// The next weights come from another core's or the last cache at best; 16 tiles are far enough ahead.
RESNET_INLINE void fetch_ahead(const std::byte* weights) {
  for (int line = 0; line < 16; ++line)
    _mm_prefetch(reinterpret_cast<const char*>(weights + 16 * tile_bytes + line * line_bytes), _MM_HINT_T0);
}

/// [32][N * 16] sums of all products, or [16][N * 16], for positions whose lines are `stride` bytes apart.
template <int M, int N>
RESNET_INLINE void multiply(const ChannelsLast& s, const std::byte* lines, int64_t stride, const std::byte* weights,
                            float* sums) {
  _tile_zero(0);
  if constexpr (N == 2) _tile_zero(1);
  if constexpr (M == 2) _tile_zero(2);
  if constexpr (M == 2 && N == 2) _tile_zero(3);
  for (int64_t k = 0; k < s.products; ++k, weights += N * tile_bytes) {
    const std::byte* a = lines + s.taps[k];
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
                                 const std::byte* weights, float* sums) {
  _tile_zero(0);
  if constexpr (M > 1) _tile_zero(1);
  if constexpr (M > 2) _tile_zero(2);
  if constexpr (M > 3) _tile_zero(3);
  for (int64_t k = 0; k < s.products; ++k, weights += tile_bytes) {
    const std::byte* a = lines + s.taps[k];
    fetch_ahead(weights);
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
void compute(const ChannelsLast& s, const Block& block, int64_t share, const std::byte* weights, BFloat16* y,
             const ChannelsLastFinish& finish) {
  alignas(64) float sums[M * N * 256];
  multiply<M, N>(s, block.lines, block.stride, weights + share * s.products * 2 * tile_bytes, sums);
  finish_block<N>(s, block, share * 32, M * 16, sums, y, finish);
}

template <int M>
void compute_tall(const ChannelsLast& s, const ChannelsLastPart& part, const Block& block, const std::byte* weights,
                  BFloat16* y, const ChannelsLastFinish& finish) {
  alignas(64) float sums[M * 256];
  for (int64_t share = part.share_begin; share < part.share_end; ++share) {
    multiply_tall<M>(s, block.lines, block.stride, weights + share * s.products * tile_bytes, sums);
    finish_block<1>(s, block, share * 16, M * 16, sums, y, finish);
  }
}

template <int M>
void compute_wide(const ChannelsLast& s, const ChannelsLastPart& part, const Block& block, const std::byte* weights,
                  BFloat16* y, const ChannelsLastFinish& finish) {
  for (int64_t share = part.share_begin; share < part.share_end; ++share)
    if (s.out_channels - share * 32 > 16)
      compute<M, 2>(s, block, share, weights, y, finish);
    else
      compute<M, 1>(s, block, share, weights, y, finish);
}

void compute_block(const ChannelsLast& s, const ChannelsLastPart& part, const Block& block, const std::byte* weights,
                   BFloat16* y, const ChannelsLastFinish& finish) {
  if (!s.tall)
    return block.positions > 16 ? compute_wide<2>(s, part, block, weights, y, finish)
                                : compute_wide<1>(s, part, block, weights, y, finish);
  if (block.positions > 48) return compute_tall<4>(s, part, block, weights, y, finish);
  if (block.positions > 32) return compute_tall<3>(s, part, block, weights, y, finish);
  if (block.positions > 16) return compute_tall<2>(s, part, block, weights, y, finish);
  compute_tall<1>(s, part, block, weights, y, finish);
}

/// Positions [0, count) from `lines` on, the first of which is the output's `pixel`.
void compute_positions(const ChannelsLast& s, const ChannelsLastPart& part, const std::byte* lines, int64_t stride,
                       int64_t count, int64_t pixel, const std::byte* weights, BFloat16* y,
                       const ChannelsLastFinish& finish) {
  for (int64_t p = 0; p < count; p += s.tall ? 64 : 32)
    compute_block(s, part, {lines + p * stride, stride, p % s.columns, count - p, pixel + p / s.columns * s.out_width},
                  weights, y, finish);
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
