// Batch norm, ReLU and max pooling of batch-inner images in one pass. Lines are normalised into scratch memory that
// stays in the cache; behind a ReLU no number is below 0, so their 16 bits compare like integers, 32 at a time, and a
// NaN is the largest. (Normalising each number where a window reads it took longer than the pass over memory that this
// saves.)
#include "runtime/cpu/amx/tiles.hpp"

namespace resnet::cpu::amx {

namespace {

/// Where a window reads: rows of 32 numbers, and their distances from the first one's place in the plane.
struct Taps {
  int count = 0;
  const BFloat16* at[max_pool_taps];
  int16_t offset[max_pool_taps];
};

/// The lines that windows still read, line h in slot h % lines.
struct Ring {
  BFloat16* lines;
  int64_t count, elements;
  BFloat16* line(int64_t h) const { return lines + h % count * elements; }
};

Taps taps_of(const PoolSizes& s, const Ring& ring, int64_t oh, int64_t ow, int64_t* start) {
  const Window& v = s.window;
  Taps taps;
  for (int i = 0; i < v.kernel_h; ++i)
    for (int j = 0; j < v.kernel_w; ++j) {
      const int64_t h = oh * v.stride_h - v.pad_top + int64_t{i} * v.dilation_h;
      const int64_t w = ow * v.stride_w - v.pad_left + int64_t{j} * v.dilation_w;
      if (h < 0 || h >= s.height || w < 0 || w >= s.width) continue;
      const int64_t place = h * s.width + w;
      if (taps.count == 0) *start = place;
      taps.at[taps.count] = ring.line(h) + w * s.pixel;
      taps.offset[taps.count++] = static_cast<int16_t>(place - *start);
    }
  return taps;
}

/// Without the sign that a NaN or a zero may have.
RESNET_INLINE __m512i load_magnitudes(const BFloat16* row) {
  return _mm512_and_si512(load_row(row), _mm512_set1_epi16(0x7fff));
}

void pool_pixel(const Taps& taps, int64_t start, int64_t pixel, BFloat16* y, int32_t* positions) {
  const __m512i first = _mm512_set1_epi32(static_cast<int32_t>(start));
  for (int64_t lane = 0; lane < pixel; lane += 32) {
    __m512i best = load_magnitudes(taps.at[0] + lane), where = _mm512_setzero_si512();
    for (int tap = 1; tap < taps.count; ++tap) {
      const __m512i value = load_magnitudes(taps.at[tap] + lane);
      const __mmask32 better = _mm512_cmpgt_epi16_mask(value, best);
      best = _mm512_mask_mov_epi16(best, better, value);
      where = _mm512_mask_mov_epi16(where, better, _mm512_set1_epi16(taps.offset[tap]));
    }
    store_row(y + lane, best);
    // Past the caches: only the backward pass reads them.
    const __m512i low = _mm512_cvtepi16_epi32(_mm512_castsi512_si256(where)),
                  high = _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(where, 1));
    _mm512_stream_si512(reinterpret_cast<__m512i*>(positions + lane), _mm512_add_epi32(low, first));
    _mm512_stream_si512(reinterpret_cast<__m512i*>(positions + lane + 16), _mm512_add_epi32(high, first));
  }
}

}  // namespace

bool can_normalise_and_pool(const PoolSizes& s) {
  const Window& v = s.window;
  const int64_t furthest = int64_t{v.kernel_h - 1} * v.dilation_h * s.width + int64_t{v.kernel_w - 1} * v.dilation_w;
  return v.kernel_h * v.kernel_w <= max_pool_taps && furthest < (1 << 15);
}

int64_t pool_scratch_bytes(const PoolSizes& s) {
  return (int64_t{s.window.kernel_h - 1} * s.window.dilation_h + 1) * s.width * s.pixel * 2;
}

void normalise_and_pool(const PoolSizes& s, const BFloat16* x, const float* scale, const float* shift, BFloat16* y,
                        int32_t* positions, std::byte* scratch) {
  const int64_t line = s.width * s.pixel, extent = int64_t{s.window.kernel_h - 1} * s.window.dilation_h + 1;
  const Ring ring{reinterpret_cast<BFloat16*>(scratch), extent, line};
  int64_t next = 0;
  for (int64_t oh = s.line_begin; oh < s.line_end; ++oh) {
    const int64_t top = oh * s.window.stride_h - s.window.pad_top, bottom = top + extent;
    if (next < top) next = top;
    for (; next < bottom && next < s.height; ++next)
      normalise({s.width, s.pixel / 32}, x + next * line, nullptr, ring.line(next), scale, shift, true);
    for (int64_t ow = 0; ow < s.out_width; ++ow) {
      int64_t start = 0;
      const Taps taps = taps_of(s, ring, oh, ow, &start);
      const int64_t at = (oh * s.out_width + ow) * s.pixel;
      pool_pixel(taps, start, s.pixel, y + at, positions + at);
    }
  }
  _mm_sfence();
}

}  // namespace resnet::cpu::amx
