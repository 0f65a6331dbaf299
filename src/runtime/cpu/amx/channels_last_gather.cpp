#include "runtime/cpu/amx/channels_last_gather.hpp"

namespace resnet::cpu::amx {

namespace {

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

}  // namespace

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

}  // namespace resnet::cpu::amx
