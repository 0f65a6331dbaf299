// Pooling of channels-last images, 32 channels at a time.
#include "runtime/cpu/amx/channels_last.hpp"

#include <immintrin.h>

namespace resnet::cpu::amx {

namespace {

/// Bits of bf16 numbers to whole numbers of the same order, and back; a NaN becomes the largest of all.
__m512i ordered(__m512i x) {
  const __m512i magnitude = _mm512_and_si512(x, _mm512_set1_epi16(0x7fff));
  const __mmask32 nan = _mm512_cmpgt_epi16_mask(magnitude, _mm512_set1_epi16(0x7f80));
  const __m512i flipped = _mm512_xor_si512(x, _mm512_srli_epi16(_mm512_srai_epi16(x, 15), 1));
  return _mm512_mask_mov_epi16(flipped, nan, magnitude);
}
__m512i from_ordered(__m512i x) { return _mm512_xor_si512(x, _mm512_srli_epi16(_mm512_srai_epi16(x, 15), 1)); }

__mmask32 first(int64_t count) { return count >= 32 ? ~__mmask32{0} : (__mmask32{1} << count) - 1; }

}  // namespace

void max_pool_row(const PoolSizes& s, int64_t row, int64_t channels, const BFloat16* x, BFloat16* y) {
  const Window& v = s.window;
  const int64_t top = row * v.stride_h - v.pad_top;
  for (int64_t ow = 0; ow < s.out_width; ++ow, y += channels) {
    const int64_t left = ow * v.stride_w - v.pad_left;
    for (int64_t c = 0; c < channels; c += 32) {
      const __mmask32 present = first(channels - c);
      __m512i best = _mm512_set1_epi16(INT16_MIN);
      for (int64_t h = top; h < top + v.kernel_h * v.dilation_h; h += v.dilation_h) {
        if (h < 0 || h >= s.height) continue;
        for (int64_t w = left; w < left + v.kernel_w * v.dilation_w; w += v.dilation_w)
          if (w >= 0 && w < s.width)
            best = _mm512_max_epi16(best,
                                    ordered(_mm512_maskz_loadu_epi16(present, x + (h * s.width + w) * channels + c)));
      }
      _mm512_mask_storeu_epi16(y + c, present, from_ordered(best));
    }
  }
}

void mean_pixels(const BFloat16* x, BFloat16* y, int64_t pixels, int64_t pixel, int64_t channels) {
  const __m512 count = _mm512_set1_ps(static_cast<float>(pixels));
  for (int64_t c = 0; c < channels; c += 32) {
    const __mmask32 present = first(channels - c);
    __m512 low = _mm512_setzero_ps(), high = _mm512_setzero_ps();
    for (int64_t p = 0; p < pixels; ++p) {
      const __m512i both = _mm512_maskz_loadu_epi16(present, x + p * pixel + c);
      const __m512i first_half = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(both));
      const __m512i second_half = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(both, 1));
      low = _mm512_add_ps(low, _mm512_castsi512_ps(_mm512_slli_epi32(first_half, 16)));
      high = _mm512_add_ps(high, _mm512_castsi512_ps(_mm512_slli_epi32(second_half, 16)));
    }
    const auto mean =
        reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(_mm512_div_ps(high, count), _mm512_div_ps(low, count)));
    _mm512_mask_storeu_epi16(y + c, present, mean);
  }
}

}  // namespace resnet::cpu::amx
