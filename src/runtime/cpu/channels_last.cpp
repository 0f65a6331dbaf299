#include "runtime/cpu/channels_last.hpp"

#include "runtime/cpu/amx/channels_last.hpp"

#include <algorithm>
#include <cstring>

namespace resnet::cpu {

void lower_channels_last(const GlobalAveragePool&, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Buffer from = to.read(x, Layout::channels_last), result = to.write(y, Layout::channels_last);
  const int64_t images = to.shape(x).n(), channels = to.shape(x).c(), pixels = to.pixels(x);
  constexpr int64_t share = 64;  // channels of a task
  const int64_t shares = (channels + share - 1) / share;
  const int tasks = tasks_for(images * channels * pixels, images * shares);
  to.add(node, "own", {from}, {result}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(images * shares, tasks, task);
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int64_t n = i / shares, c = i % shares * share;
      amx::mean_pixels(memory.at<BFloat16>(from) + n * pixels * channels + c,
                       memory.at<BFloat16>(result) + n * channels + c, pixels, channels, std::min(share, channels - c));
    }
  });
}

void lower_channels_last(const MaxPool& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Buffer from = to.read(x, Layout::channels_last), best = to.write(y, Layout::channels_last);
  const Shape &x_shape = to.shape(x), &y_shape = to.shape(y);
  const PoolSizes sizes{x_shape.h(), x_shape.w(), y_shape.h(), y_shape.w(), op.window};
  const int64_t channels = x_shape.c(), rows = y_shape.n() * y_shape.h();
  const int64_t x_image = to.image_elements(x, Layout::channels_last), y_row = y_shape.w() * channels;
  const int tasks = tasks_for(to.elements(x, Layout::channels_last), rows);
  to.add(node, "own", {from}, {best}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(rows, tasks, task);
    for (int64_t row = range.begin; row < range.end; ++row)
      amx::max_pool_row(sizes, row % sizes.out_height, channels,
                        memory.at<BFloat16>(from) + row / sizes.out_height * x_image,
                        memory.at<BFloat16>(best) + row * y_row);
  });
}

// Every `stride`-th pixel, with channels of zeros before and after.
void lower_channels_last(const Subsample& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Buffer from = to.read(x, Layout::channels_last), result = to.write(y, Layout::channels_last);
  const Shape &x_shape = to.shape(x), &y_shape = to.shape(y);
  const int64_t height = x_shape.h(), width = x_shape.w(), out_height = y_shape.h(), out_width = y_shape.w();
  const int64_t channels = x_shape.c(), out_channels = y_shape.c(), rows = y_shape.n() * out_height;
  const int tasks = tasks_for(y_shape.elements(), rows);
  const int64_t stride = op.stride, before = op.before, after = out_channels - channels - before;
  const auto moved = static_cast<std::size_t>(channels) * sizeof(BFloat16);
  to.add(node, "own", {from}, {result}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(rows, tasks, task);
    for (int64_t row = range.begin; row < range.end; ++row) {
      const BFloat16* source =
          memory.at<BFloat16>(from) + (row / out_height * height + row % out_height * stride) * width * channels;
      BFloat16* out = memory.at<BFloat16>(result) + row * out_width * out_channels;
      for (int64_t w = 0; w < out_width; ++w, source += stride * channels, out += out_channels) {
        std::fill_n(out, before, BFloat16{});
        std::memcpy(out + before, source, moved);
        std::fill_n(out + before + channels, after, BFloat16{});
      }
    }
  });
}

namespace {

template <class T>
void from_row_major(const T* x, T* y, int64_t channels, int64_t pixels) {
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t c = 0; c < channels; ++c) y[p * channels + c] = x[c * pixels + p];
}

template <class T>
void to_row_major(const T* x, T* y, int64_t channels, int64_t pixels) {
  from_row_major(x, y, pixels, channels);
}

constexpr int64_t block = 16;  // of processors with AMX

template <class T>
void to_blocked(const T* x, T* y, int64_t channels, int64_t pixels) {
  for (int64_t c = 0; c < channels; c += block)
    for (int64_t p = 0; p < pixels; ++p, y += block) {
      const int64_t present = std::min(block, channels - c);
      std::memcpy(y, x + p * channels + c, static_cast<std::size_t>(present) * sizeof(T));
      std::fill_n(y + present, block - present, T{});
    }
}

template <class T>
void from_blocked(const T* x, T* y, int64_t channels, int64_t pixels) {
  for (int64_t c = 0; c < channels; c += block)
    for (int64_t p = 0; p < pixels; ++p, x += block)
      std::memcpy(y + p * channels + c, x, static_cast<std::size_t>(std::min(block, channels - c)) * sizeof(T));
}

}  // namespace

template <class T>
void (*channels_last_conversion(Layout source, Layout target))(const T*, T*, int64_t, int64_t) {
  if (source == Layout::row_major) return from_row_major<T>;
  if (target == Layout::row_major) return to_row_major<T>;
  return source == Layout::blocked ? from_blocked<T> : to_blocked<T>;
}
template auto channels_last_conversion<float>(Layout, Layout) -> void (*)(const float*, float*, int64_t, int64_t);
template auto channels_last_conversion<BFloat16>(Layout, Layout)
    -> void (*)(const BFloat16*, BFloat16*, int64_t, int64_t);

}  // namespace resnet::cpu
