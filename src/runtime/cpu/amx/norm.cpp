// Batch norm on batch-inner images. A chunk of pixels is summed in float, a lane for each image; lanes and chunks are
// joined in double about a pivot, so that neither a large mean nor many images cost digits.
#include "runtime/cpu/amx/tiles.hpp"

namespace resnet::cpu::amx {

void join_lanes(const LaneSums& sums, double count, double* mean, double* squares) {
  alignas(64) float pivot[16], sum[16], square[16];
  _mm512_store_ps(pivot, sums.pivot);
  _mm512_store_ps(sum, sums.sum);
  _mm512_store_ps(square, sums.squares);
  double means[16], total = 0;
  for (int i = 0; i < 16; ++i) {
    means[i] = double{pivot[i]} + double{sum[i]} / count;
    total += means[i];
  }
  *mean = total / 16;
  *squares = 0;
  for (int i = 0; i < 16; ++i) {
    const double apart = means[i] - *mean;
    *squares += double{square[i]} - double{sum[i]} * double{sum[i]} / count + count * apart * apart;
  }
}

namespace {

// Sums are gathered for this many pairs of channels at a time, so that they stay in the first cache, over blocks of
// pixels, so that they are loaded and stored once a block; reading then walks over `block` streams of whole lines. A
// chunk of pixels is summed in float.
constexpr int64_t slice_pairs = 32, block = 8, chunk = 512;

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

RESNET_INLINE double total(__m512 sum) {
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, sum);
  double result = 0;
  for (int i = 0; i < 16; ++i) result += double{lanes[i]};
  return result;
}

RESNET_INLINE __m512 channel(const float* values, int64_t c) { return _mm512_set1_ps(values[c]); }

template <bool relu, bool residual>
void normalise_pixels(const Pixels& size, const BFloat16* x, const BFloat16* other, BFloat16* y, const float* scale,
                      const float* shift) {
  for (int64_t pixel = 0; pixel < size.pixels; ++pixel)
    for (int64_t pair = 0; pair < size.pairs; ++pair, x += 32, other += 32, y += 32) {
      const Pair value = unpack(load_row(x));
      Pair result = {_mm512_fmadd_ps(value.even, channel(scale, 2 * pair), channel(shift, 2 * pair)),
                     _mm512_fmadd_ps(value.odd, channel(scale, 2 * pair + 1), channel(shift, 2 * pair + 1))};
      if constexpr (residual) {
        const Pair added = unpack(load_row(other));
        result = {_mm512_add_ps(result.even, added.even), _mm512_add_ps(result.odd, added.odd)};
      }
      if constexpr (relu) result = rectify(result);
      store_row(y, pack(result));
    }
}

/// A lane for each image: of an even and the odd channel behind it.
struct GradientSums {
  __m512 dy[2], dy_x[2];
};

template <bool relu>
RESNET_INLINE void add_block(const BFloat16* x, const BFloat16* dy, int64_t pixels, int64_t stride, const NormTerms& t,
                             int64_t c, GradientSums& sums) {
  const __m512 mean[2] = {channel(t.mean, c), channel(t.mean, c + 1)};
  const __m512 scale[2] = {channel(t.scale, c), channel(t.scale, c + 1)};
  const __m512 shift[2] = {channel(t.shift, c), channel(t.shift, c + 1)};
  GradientSums s = sums;
  for (int64_t pixel = 0; pixel < pixels; ++pixel, x += stride, dy += stride) {
    const Pair at = unpack(load_row(x)), gradient = unpack(load_row(dy));
    const __m512 value[2] = {at.even, at.odd};
    __m512 d[2] = {gradient.even, gradient.odd};
    for (int i = 0; i < 2; ++i) {
      if constexpr (relu) d[i] = where_positive(_mm512_fmadd_ps(value[i], scale[i], shift[i]), d[i]);
      s.dy[i] = _mm512_add_ps(s.dy[i], d[i]);
      s.dy_x[i] = _mm512_fmadd_ps(d[i], _mm512_sub_ps(value[i], mean[i]), s.dy_x[i]);
    }
  }
  sums = s;
}

template <bool relu>
void sum_gradients(const Pixels& size, const BFloat16* x, const BFloat16* dy, const NormTerms& terms, double* result) {
  const int64_t stride = size.pairs * 32;
  GradientSums sums[slice_pairs];
  for (int64_t first = 0; first < size.pairs; first += slice_pairs)
    for (int64_t begin = 0; begin < size.pixels; begin += chunk) {
      const int64_t pairs = smaller(slice_pairs, size.pairs - first), end = smaller(begin + chunk, size.pixels);
      for (int64_t pair = 0; pair < pairs; ++pair)
        for (int i = 0; i < 2; ++i) sums[pair].dy[i] = sums[pair].dy_x[i] = _mm512_setzero_ps();
      for (int64_t pixel = begin; pixel < end; pixel += block) {
        const int64_t at = pixel * stride + first * 32, pixels = smaller(block, end - pixel);
        for (int64_t pair = 0; pair < pairs; ++pair)
          add_block<relu>(x + at + pair * 32, dy + at + pair * 32, pixels, stride, terms, 2 * (first + pair),
                          sums[pair]);
      }
      for (int64_t pair = 0; pair < pairs; ++pair)
        for (int i = 0; i < 2; ++i) {
          double* into = result + (2 * (first + pair) + i) * 2;
          into[0] += total(sums[pair].dy[i]);
          into[1] += total(sums[pair].dy_x[i]);
        }
    }
}

template <bool relu>
void gradient_pixels(const Pixels& size, const BFloat16* x, const BFloat16* dy, BFloat16* dx, const NormTerms& t,
                     const float* slope, const float* offset) {
  for (int64_t pixel = 0; pixel < size.pixels; ++pixel)
    for (int64_t pair = 0; pair < size.pairs; ++pair, x += 32, dy += 32, dx += 32) {
      const Pair at = unpack(load_row(x)), gradient = unpack(load_row(dy));
      const __m512 value[2] = {at.even, at.odd}, d[2] = {gradient.even, gradient.odd};
      __m512 result[2];
      for (int i = 0; i < 2; ++i) {
        const int64_t c = 2 * pair + i;
        const __m512 scale = channel(t.scale, c);
        __m512 masked = d[i];
        if constexpr (relu) masked = where_positive(_mm512_fmadd_ps(value[i], scale, channel(t.shift, c)), d[i]);
        const __m512 constant =
            _mm512_fmadd_ps(_mm512_sub_ps(value[i], channel(t.mean, c)), channel(slope, c), channel(offset, c));
        result[i] = _mm512_fmadd_ps(masked, scale, constant);
      }
      store_row(dx, pack({result[0], result[1]}));
    }
}

}  // namespace

void moments(const Pixels& size, const BFloat16* x, double* result) {
  const int64_t stride = size.pairs * 32;
  LaneSums sums[slice_pairs][2];
  for (int64_t c = 0; c < 4 * size.pairs; ++c) result[c] = 0;
  for (int64_t first = 0; first < size.pairs; first += slice_pairs)
    for (int64_t begin = 0; begin < size.pixels; begin += chunk) {
      const int64_t pairs = smaller(slice_pairs, size.pairs - first), end = smaller(begin + chunk, size.pixels);
      for (int64_t pixel = begin; pixel < end; pixel += block)
        for (int64_t pair = 0; pair < pairs; ++pair) {
          const BFloat16* at = x + pixel * stride + (first + pair) * 32;
          if (pixel == begin) {
            const Pair pivot = unpack(load_row(at));
            const __m512 zero = _mm512_setzero_ps();
            sums[pair][0] = {pivot.even, zero, zero};
            sums[pair][1] = {pivot.odd, zero, zero};
          }
          LaneSums even = sums[pair][0], odd = sums[pair][1];
          for (int64_t i = 0; i < smaller(block, end - pixel); ++i) {
            const Pair value = unpack(load_row(at + i * stride));
            const __m512 a = _mm512_sub_ps(value.even, even.pivot), b = _mm512_sub_ps(value.odd, odd.pivot);
            even.sum = _mm512_add_ps(even.sum, a);
            even.squares = _mm512_fmadd_ps(a, a, even.squares);
            odd.sum = _mm512_add_ps(odd.sum, b);
            odd.squares = _mm512_fmadd_ps(b, b, odd.squares);
          }
          sums[pair][0] = even;
          sums[pair][1] = odd;
        }
      const auto count = static_cast<double>(begin * images_in_row);
      const auto added = static_cast<double>((end - begin) * images_in_row);
      for (int64_t channel = 0; channel < 2 * pairs; ++channel) {
        double mean = 0, squares = 0, *into = result + (2 * first + channel) * 2;
        join_lanes(sums[channel / 2][channel % 2], static_cast<double>(end - begin), &mean, &squares);
        const double apart = mean - into[0];
        into[0] += apart * added / (count + added);
        into[1] += squares + apart * apart * count * added / (count + added);
      }
    }
}

void normalise(const Pixels& size, const BFloat16* x, const BFloat16* residual, BFloat16* y, const float* scale,
               const float* shift, bool relu) {
  if (residual)
    (relu ? normalise_pixels<true, true> : normalise_pixels<false, true>)(size, x, residual, y, scale, shift);
  else
    (relu ? normalise_pixels<true, false> : normalise_pixels<false, false>)(size, x, x, y, scale, shift);
}

void gradient_sums(const Pixels& size, const BFloat16* x, const BFloat16* dy, const NormTerms& terms, double* sums) {
  for (int64_t c = 0; c < 4 * size.pairs; ++c) sums[c] = 0;
  (terms.relu ? sum_gradients<true> : sum_gradients<false>)(size, x, dy, terms, sums);
}

void norm_gradient(const Pixels& size, const BFloat16* x, const BFloat16* dy, BFloat16* dx, const NormTerms& terms,
                   const float* slope, const float* offset) {
  (terms.relu ? gradient_pixels<true> : gradient_pixels<false>)(size, x, dy, dx, terms, slope, offset);
}

}  // namespace resnet::cpu::amx
