// Resampling of rows and columns for one instruction set.
#include "data/pixel_kernels.hpp"

#define RESNET_TEXT_OF(name) #name
#define RESNET_TEXT(name) RESNET_TEXT_OF(name)

namespace resnet::pixels::RESNET_ISA {
namespace {

constexpr int32_t half = 1 << (weight_bits - 1);

inline uint8_t rounded(int32_t sum) {
  const int32_t value = sum >> weight_bits;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

void resample_rows(const uint8_t* in, int rows, int in_width, int channels, const Weights& weights, uint8_t* out) {
  for (int y = 0; y < rows; ++y, in += static_cast<int64_t>(in_width) * channels)
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

void resample_columns(const uint8_t* in, int64_t row_bytes, const Weights& weights, uint8_t* out) {
  for (int i = 0; i < weights.outputs; ++i) {
    const int32_t* weight = weights.weights + static_cast<int64_t>(i) * weights.taps;
    const uint8_t* from = in + weights.first[i] * row_bytes;
    for (int64_t x = 0; x < row_bytes; ++x) {
      int32_t sum = half;
      for (int t = 0; t < weights.count[i]; ++t) sum += from[t * row_bytes + x] * weight[t];
      *out++ = rounded(sum);
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
