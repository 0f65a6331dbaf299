// Row-major images to blocked ones and back, and copies between channels that do not lie on block borders.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

namespace {

template <class T>
void to_blocked(const T* x, T* y, int64_t channels, int64_t pixels) {
  for (int64_t c = 0; c < channels; c += block, y += pixels * block) {
    const int64_t present = channels - c < block ? channels - c : block;
    const T* plane = x + c * pixels;
    for (int64_t p = 0; p < pixels; ++p)
      for (int64_t lane = 0; lane < block; ++lane)
        y[p * block + lane] = lane < present ? plane[lane * pixels + p] : T{};
  }
}

template <class T>
void from_blocked(const T* x, T* y, int64_t channels, int64_t pixels) {
  for (int64_t c = 0; c < channels; c += block, x += pixels * block) {
    const int64_t present = channels - c < block ? channels - c : block;
    for (int64_t lane = 0; lane < present; ++lane) {
      T* row = y + (c + lane) * pixels;
      for (int64_t p = 0; p < pixels; ++p) row[p] = x[p * block + lane];
    }
  }
}

template <class T>
void zero_padding(T* x, int64_t channels, int64_t pixels) {
  const int64_t present = channels % block;
  if (present == 0) return;
  T* plane = x + channels / block * pixels * block;
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t lane = present; lane < block; ++lane) plane[p * block + lane] = T{};
}

template <class T>
void copy_lanes(const LaneCopy& copy, const T* x, T* y) {
  int64_t small = 0;
  for (int64_t row = 0; row < copy.height; row += copy.stride)
    for (int64_t column = 0; column < copy.width; column += copy.stride, small += block) {
      const int64_t large = (row * copy.width + column) * block;
      const T* from = x + (copy.scatter ? small : large);
      T* to = y + (copy.scatter ? large : small);
      if (copy.count == block)
        store(to, load(from));
      else
        for (int lane = 0; lane < copy.count; ++lane) to[copy.to_lane + lane] = from[copy.from_lane + lane];
    }
}

}  // namespace

template <class T>
void add_layout(ImageKernels<T>& table) {
  table.to_blocked = to_blocked<T>;
  table.from_blocked = from_blocked<T>;
  table.zero_padding = zero_padding<T>;
  table.copy_lanes = copy_lanes<T>;
}
template void add_layout(ImageKernels<float>&);
template void add_layout(ImageKernels<BFloat16>&);

}  // namespace resnet::cpu::RESNET_ISA
