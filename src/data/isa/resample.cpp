// Resampling of rows and columns for one instruction set. Weights of 22 bits times pixels of 8 do not fit the fast
// 16-bit products, so rows split each weight into two halves (AVX2); columns multiply in 32 bits.
#include "data/pixel_kernels.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#define RESNET_TEXT_OF(name) #name
#define RESNET_TEXT(name) RESNET_TEXT_OF(name)

namespace resnet::pixels::RESNET_ISA {
namespace {

constexpr int32_t half = 1 << (weight_bits - 1);

inline uint8_t rounded(int32_t sum) {
  const int32_t value = sum >> weight_bits;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

void resample_row(const uint8_t* in, int channels, const Weights& weights, uint8_t* out) {
  for (int i = 0; i < weights.outputs; ++i) {
    const int32_t* weight = weights.weights + static_cast<int64_t>(i) * weights.taps;
    const uint8_t* from = in + static_cast<int64_t>(weights.first[i]) * channels;
    for (int c = 0; c < channels; ++c) {
      int32_t sum = half;
      for (int t = 0; t < weights.count[i]; ++t) sum += from[t * channels + c] * weight[t];
      *out++ = rounded(sum);
    }
  }
}

#ifdef __AVX2__

constexpr int group = 4;        // taps that are multiplied at once
constexpr int load_bytes = 16;  // of which a group takes 12
constexpr int low_bits = 15;

inline int groups_of(int count) { return (count + group - 1) / group; }

// For each group the low and the high halves of its weights, as 2 x 16 numbers: taps 0 and 1 four times (red, green,
// blue, nothing), taps 2 and 3 four times.
void pack_weights(const Weights& weights, int16_t* packed) {
  for (int i = 0; i < weights.outputs; ++i) {
    const int32_t* weight = weights.weights + static_cast<int64_t>(i) * weights.taps;
    for (int g = 0; g < groups_of(weights.count[i]); ++g, packed += 32)
      for (int lane = 0; lane < 16; ++lane) {
        const int t = g * group + lane / 8 * 2 + lane % 2;
        const int32_t w = t < weights.count[i] ? weight[t] : 0;
        packed[lane] = static_cast<int16_t>(w & ((1 << low_bits) - 1));
        packed[16 + lane] = static_cast<int16_t>(w >> low_bits);
      }
  }
}

// One output pixel in the low four bytes, from `groups` groups of RGB pixels; reads load_bytes for each.
inline __attribute__((always_inline)) int32_t rgb_sum(const uint8_t* from, const int16_t* packed, int groups) {
  const __m256i pairs = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
  for (int g = 0; g < groups; ++g, from += 3 * group, packed += 32) {
    const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m256i taps = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(loaded), pairs);
    const __m256i* weight = reinterpret_cast<const __m256i*>(packed);
    low = _mm256_add_epi32(low, _mm256_madd_epi16(taps, _mm256_loadu_si256(weight)));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(taps, _mm256_loadu_si256(weight + 1)));
  }
  const __m256i both = _mm256_add_epi32(low, _mm256_slli_epi32(high, low_bits));
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(half)), weight_bits);
  sum = _mm_packs_epi32(sum, sum);
  return _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
}

inline void store_rgb(int32_t pixel, uint8_t* out) {
  out[0] = static_cast<uint8_t>(pixel);
  out[1] = static_cast<uint8_t>(pixel >> 8);
  out[2] = static_cast<uint8_t>(pixel >> 16);
}

// Two rows at once, so that weights are loaded half as often.
void resample_rgb_rows(const uint8_t* in, int64_t in_bytes, const Weights& weights, const int16_t* packed,
                       uint8_t* out) {
  uint8_t* below = out + int64_t{weights.outputs} * 3;
  for (int i = 0; i < weights.outputs; ++i) {
    const uint8_t* from = in + int64_t{weights.first[i]} * 3;
    const int groups = groups_of(weights.count[i]);
    store_rgb(rgb_sum(from, packed, groups), out + int64_t{i} * 3);
    store_rgb(rgb_sum(from + in_bytes, packed, groups), below + int64_t{i} * 3);
    packed += groups * 32;
  }
}

// As many rows as can be done without reading past the last one, an even number.
int resample_safe_rows(const uint8_t* in, int rows, int64_t in_bytes, const Weights& weights, int16_t* packed,
                       uint8_t* out) {
  pack_weights(weights, packed);
  int done = 0;
  for (; (rows - done - 2) * in_bytes >= load_bytes; done += 2) {
    resample_rgb_rows(in, in_bytes, weights, packed, out);
    in += 2 * in_bytes;
    out += int64_t{weights.outputs} * 3 * 2;
  }
  return done;
}

#endif

void resample_rows(const uint8_t* in, int rows, int in_width, int channels, const Weights& weights, int16_t* scratch,
                   uint8_t* out) {
  const int64_t in_bytes = int64_t{in_width} * channels, out_bytes = int64_t{weights.outputs} * channels;
  int y = 0;
#ifdef __AVX2__
  if (channels == 3) y = resample_safe_rows(in, rows, in_bytes, weights, scratch, out);
#else
  static_cast<void>(scratch);
#endif
  for (; y < rows; ++y) resample_row(in + y * in_bytes, channels, weights, out + y * out_bytes);
}

constexpr int block = 16;
typedef int32_t Sums __attribute__((vector_size(block * sizeof(int32_t))));
typedef uint8_t Pixels __attribute__((vector_size(block), aligned(1), may_alias));

inline __attribute__((always_inline)) Sums widened(const uint8_t* from) {
  return __builtin_convertvector(*reinterpret_cast<const Pixels*>(from), Sums);
}
inline __attribute__((always_inline)) void store_rounded(Sums sums, uint8_t* out) {
  sums >>= weight_bits;
  sums = sums < 0 ? Sums{} : sums;
  sums = sums > 255 ? Sums{} + 255 : sums;
  *reinterpret_cast<Pixels*>(out) = __builtin_convertvector(sums, Pixels);
}

void resample_columns(const uint8_t* in, int64_t row_bytes, const Weights& weights, uint8_t* out) {
  for (int i = 0; i < weights.outputs; ++i, out += row_bytes) {
    const int32_t* weight = weights.weights + static_cast<int64_t>(i) * weights.taps;
    const int count = weights.count[i];
    const uint8_t* from = in + weights.first[i] * row_bytes;
    int64_t x = 0;
    for (; x + 2 * block <= row_bytes; x += 2 * block) {
      Sums a = Sums{} + half, b = a;
      for (int t = 0; t < count; ++t) {
        a += widened(from + t * row_bytes + x) * weight[t];
        b += widened(from + t * row_bytes + x + block) * weight[t];
      }
      store_rounded(a, out + x);
      store_rounded(b, out + x + block);
    }
    for (; x < row_bytes; ++x) {
      int32_t sum = half;
      for (int t = 0; t < count; ++t) sum += from[t * row_bytes + x] * weight[t];
      out[x] = rounded(sum);
    }
  }
}

}  // namespace

const Kernels& kernels() {
  static constexpr Kernels table = {
      .isa = RESNET_TEXT(RESNET_ISA), .resample_rows = resample_rows, .resample_columns = resample_columns};
  return table;
}

}  // namespace resnet::pixels::RESNET_ISA
