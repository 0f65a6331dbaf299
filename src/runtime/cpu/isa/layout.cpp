// Row-major images to blocked ones and back, and copies between channels that do not lie on block borders.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

void to_blocked(const float* x, float* y, int64_t channels, int64_t pixels) {
  for (int64_t c = 0; c < channels; c += block, y += pixels * block) {
    const int64_t present = channels - c < block ? channels - c : block;
    const float* plane = x + c * pixels;
    for (int64_t p = 0; p < pixels; ++p)
      for (int64_t lane = 0; lane < block; ++lane)
        y[p * block + lane] = lane < present ? plane[lane * pixels + p] : 0.f;
  }
}

void from_blocked(const float* x, float* y, int64_t channels, int64_t pixels) {
  for (int64_t c = 0; c < channels; c += block, x += pixels * block) {
    const int64_t present = channels - c < block ? channels - c : block;
    for (int64_t lane = 0; lane < present; ++lane) {
      float* row = y + (c + lane) * pixels;
      for (int64_t p = 0; p < pixels; ++p) row[p] = x[p * block + lane];
    }
  }
}

void zero_padding(float* x, int64_t channels, int64_t pixels) {
  const int64_t present = channels % block;
  if (present == 0) return;
  float* plane = x + channels / block * pixels * block;
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t lane = present; lane < block; ++lane) plane[p * block + lane] = 0;
}

void copy_lanes(const LaneCopy& copy, const float* x, float* y) {
  int64_t small = 0;
  for (int64_t row = 0; row < copy.height; row += copy.stride)
    for (int64_t column = 0; column < copy.width; column += copy.stride, small += block) {
      const int64_t large = (row * copy.width + column) * block;
      const float* from = x + (copy.scatter ? small : large);
      float* to = y + (copy.scatter ? large : small);
      if (copy.count == block)
        store(to, load(from));
      else
        for (int lane = 0; lane < copy.count; ++lane) to[copy.to_lane + lane] = from[copy.from_lane + lane];
    }
}

}  // namespace resnet::cpu::RESNET_ISA
