// The inner loops of resampling. isa/*.cpp is compiled once for each instruction set and the best that this machine has
// is chosen once per program; they calculate in whole numbers, so all give the same bytes.
#pragma once

#include "base/instruction_sets.hpp"

#include <cstdint>

namespace resnet::pixels {

/// Weights of 22 bits, as Pillow rounds them: out[i] = clip((2^21 + sum_t weights[i][t] in[first[i] + t]) >> 22).
inline constexpr int weight_bits = 22;

/// The weights of outputs 0 .. outputs - 1. Weights past count[i] are 0.
struct Weights {
  int outputs = 0;
  int taps = 0;  // of storage for each output; at least every count
  const int32_t* first = nullptr;
  const int32_t* count = nullptr;
  const int32_t* weights = nullptr;  // [outputs, taps]
};

struct Kernels {
  const char* isa;
  /// out[y, x] from in[y]: rows of `in_width` pixels of `channels` (1 or 3) interleaved samples, without gaps.
  /// scratch: scratch_size(weights) numbers.
  void (*resample_rows)(const uint8_t* in, int rows, int in_width, int channels, const Weights& weights,
                        int16_t* scratch, uint8_t* out);
  /// out[y] from the rows of `in`, each of `row_bytes` samples.
  void (*resample_columns)(const uint8_t* in, int64_t row_bytes, const Weights& weights, uint8_t* out);
};

/// For weights in the order in which a kernel takes them: 32 numbers for each 4 taps.
inline int64_t scratch_size(const Weights& weights) { return int64_t{weights.outputs} * ((weights.taps + 3) / 4) * 32; }

/// For this machine.
const Kernels& best_kernels();
/// The table of `set`; only machines on which it runs_here() can use it.
const Kernels& kernels_of(InstructionSet set);

}  // namespace resnet::pixels
