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

/// Pixels of which all rows together fill half of the first cache.
int64_t chunk_pixels(int64_t pairs) {
  const int64_t pixels = 24 * 1024 / (pairs * row_bytes);
  return pixels < 4 ? 4 : pixels;
}

RESNET_INLINE double total(__m512 sum) {
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, sum);
  double result = 0;
  for (int i = 0; i < 16; ++i) result += double{lanes[i]};
  return result;
}

RESNET_INLINE __m512 channel(const float* values, int64_t c) { return _mm512_set1_ps(values[c]); }

RESNET_INLINE __m512 where_positive(__m512 condition, __m512 x) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(condition, _mm512_setzero_ps(), _CMP_GT_OQ), x);
}

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

template <bool relu>
void sum_chunk(const BFloat16* x, const BFloat16* dy, int64_t pixels, int64_t stride, const NormTerms& t, int64_t c,
               double* sums) {
  const __m512 mean[2] = {channel(t.mean, c), channel(t.mean, c + 1)};
  const __m512 scale[2] = {channel(t.scale, c), channel(t.scale, c + 1)};
  const __m512 shift[2] = {channel(t.shift, c), channel(t.shift, c + 1)};
  __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, sum_x[2] = {sum[0], sum[1]};
  for (int64_t pixel = 0; pixel < pixels; ++pixel, x += stride, dy += stride) {
    const Pair at = unpack(load_row(x)), gradient = unpack(load_row(dy));
    const __m512 value[2] = {at.even, at.odd};
    __m512 d[2] = {gradient.even, gradient.odd};
    for (int i = 0; i < 2; ++i) {
      if constexpr (relu) d[i] = where_positive(_mm512_fmadd_ps(value[i], scale[i], shift[i]), d[i]);
      sum[i] = _mm512_add_ps(sum[i], d[i]);
      sum_x[i] = _mm512_fmadd_ps(d[i], _mm512_sub_ps(value[i], mean[i]), sum_x[i]);
    }
  }
  for (int i = 0; i < 2; ++i) {
    sums[2 * i] += total(sum[i]);
    sums[2 * i + 1] += total(sum_x[i]);
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
        const __m512 constant = _mm512_fmadd_ps(_mm512_sub_ps(value[i], channel(t.mean, c)), channel(slope, c),
                                                channel(offset, c));
        result[i] = _mm512_fmadd_ps(masked, scale, constant);
      }
      store_row(dx, pack({result[0], result[1]}));
    }
}

}  // namespace

void moments(const Pixels& size, const BFloat16* x, double* result) {
  const int64_t chunk = chunk_pixels(size.pairs), stride = size.pairs * 32;
  double count = 0;
  for (int64_t c = 0; c < 4 * size.pairs; ++c) result[c] = 0;
  for (int64_t begin = 0; begin < size.pixels; begin += chunk) {
    const int64_t pixels = size.pixels - begin < chunk ? size.pixels - begin : chunk;
    const double added = static_cast<double>(pixels * images_in_row), joined = count + added;
    for (int64_t pair = 0; pair < size.pairs; ++pair) {
      const BFloat16* at = x + begin * stride + pair * 32;
      const Pair pivot = unpack(load_row(at));
      const __m512 zero = _mm512_setzero_ps();
      LaneSums sums[2] = {{pivot.even, zero, zero}, {pivot.odd, zero, zero}};
      for (int64_t pixel = 0; pixel < pixels; ++pixel, at += stride) {
        const Pair value = unpack(load_row(at));
        const __m512 apart[2] = {_mm512_sub_ps(value.even, pivot.even), _mm512_sub_ps(value.odd, pivot.odd)};
        for (int i = 0; i < 2; ++i) {
          sums[i].sum = _mm512_add_ps(sums[i].sum, apart[i]);
          sums[i].squares = _mm512_fmadd_ps(apart[i], apart[i], sums[i].squares);
        }
      }
      for (int i = 0; i < 2; ++i) {
        double mean = 0, squares = 0, *into = result + (2 * pair + i) * 2;
        join_lanes(sums[i], static_cast<double>(pixels), &mean, &squares);
        const double apart = mean - into[0];
        into[0] += apart * added / joined;
        into[1] += squares + apart * apart * count * added / joined;
      }
    }
    count = joined;
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
  const int64_t chunk = chunk_pixels(2 * size.pairs), stride = size.pairs * 32;
  const auto run = terms.relu ? sum_chunk<true> : sum_chunk<false>;
  for (int64_t c = 0; c < 4 * size.pairs; ++c) sums[c] = 0;
  for (int64_t begin = 0; begin < size.pixels; begin += chunk) {
    const int64_t pixels = size.pixels - begin < chunk ? size.pixels - begin : chunk, at = begin * stride;
    for (int64_t pair = 0; pair < size.pairs; ++pair)
      run(x + at + pair * 32, dy + at + pair * 32, pixels, stride, terms, 2 * pair, sums + 4 * pair);
  }
}

void norm_gradient(const Pixels& size, const BFloat16* x, const BFloat16* dy, BFloat16* dx, const NormTerms& terms,
                   const float* slope, const float* offset) {
  (terms.relu ? gradient_pixels<true> : gradient_pixels<false>)(size, x, dy, dx, terms, slope, offset);
}

}  // namespace resnet::cpu::amx
