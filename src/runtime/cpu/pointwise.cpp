// Element by element. An op takes its inputs in the layout that one of them lies in already; channels past the last are
// kept zero.
#include "runtime/cpu/lowering.hpp"

#include <algorithm>
#include <cstring>

namespace resnet::cpu {

namespace {

// Blocked if any input is.
Layout common_layout(const Lowering& to, const Node& node, std::size_t inputs) {
  for (std::size_t i = 0; i < inputs; ++i)
    if (to.layout(node.inputs[i]) == Layout::blocked) return Layout::blocked;
  return Layout::row_major;
}

using Flat = std::function<void(const float* a, const float* b, float* y, int64_t count)>;

/// y = f(a[, b]) image by image; `keeps_zero`: zeros give zero.
void lower_flat(const Node& node, Lowering& to, std::size_t inputs, bool keeps_zero, Flat run) {
  const Layout layout = common_layout(to, node, inputs);
  const Value x = node.inputs[0];
  const Buffer a = to.read(x, layout), b = inputs > 1 ? to.read(node.inputs[1], layout) : a;
  const Buffer y = to.write(node.outputs[0], layout);
  const int64_t total = to.elements(x, layout), channels = to.shape(x).c(), pixels = to.pixels(x);
  const int64_t image = to.image_elements(x, layout), images = to.shape(x).n();
  const bool pad = layout == Layout::blocked && channels % to.block() != 0 && !keeps_zero;
  const int tasks = tasks_for(total, pad ? images : total);
  to.add(node, "own", {a, b}, {y}, tasks, [=, kernels = &to.kernels](const Memory& memory, int task, int) {
    const Range range = pad ? part_of(images, tasks, task) : part_of(total, tasks, task);
    const int64_t unit = pad ? image : 1, begin = range.begin * unit;
    run(memory.at<float>(a) + begin, memory.at<float>(b) + begin, memory.at<float>(y) + begin, range.size() * unit);
    for (int64_t n = range.begin; pad && n < range.end; ++n)
      kernels->zero_padding(memory.at<float>(y) + n * image, channels, pixels);
  });
}

}  // namespace

void lower(const Unary& op, const Node& node, Lowering& to) {
  const bool keeps_zero = op.kind == UnaryKind::relu || op.kind == UnaryKind::leaky_relu;
  lower_flat(node, to, 1, keeps_zero,
             [op, kernel = to.kernels.unary](const float* x, const float*, float* y, int64_t count) {
               kernel(op, x, y, count);
             });
}

void lower(const UnaryGrad& op, const Node& node, Lowering& to) {
  lower_flat(node, to, 2, true,
             [op, kernel = to.kernels.unary_gradient](const float* y, const float* dy, float* dx, int64_t count) {
               kernel(op, y, dy, dx, count);
             });
}

void lower(const Binary& op, const Node& node, Lowering& to) {
  lower_flat(node, to, 2, op.kind != BinaryKind::divide,
             [op, kernel = to.kernels.binary](const float* a, const float* b, float* y, int64_t count) {
               kernel(op, a, b, y, count);
             });
}

void lower(const ScaleChannels&, const Node& node, Lowering& to) {
  const Value x = node.inputs[0];
  const Buffer from = to.read(x, Layout::blocked), scale = to.read(node.inputs[1], Layout::blocked);
  const Buffer y = to.write(node.outputs[0], Layout::blocked);
  const int64_t planes = to.shape(x).n() * to.channel_blocks(x), pixels = to.pixels(x), block = to.block();
  const int tasks = tasks_for(planes * pixels * block, planes);
  to.add(node, "own", {from, scale}, {y}, tasks, [=, kernels = &to.kernels](const Memory& memory, int task, int) {
    const Range range = part_of(planes, tasks, task);
    for (int64_t plane = range.begin; plane < range.end; ++plane)
      kernels->scale_plane(memory.at<float>(from) + plane * pixels * block, memory.at<float>(scale) + plane * block,
                           memory.at<float>(y) + plane * pixels * block, pixels);
  });
}

void lower(const ChannelDot&, const Node& node, Lowering& to) {
  const Value x = node.inputs[0];
  const Buffer a = to.read(x, Layout::blocked), b = to.read(node.inputs[1], Layout::blocked);
  const Buffer y = to.write(node.outputs[0], Layout::blocked);
  const int64_t planes = to.shape(x).n() * to.channel_blocks(x), pixels = to.pixels(x), block = to.block();
  const int tasks = tasks_for(planes * pixels * block, planes);
  to.add(node, "own", {a, b}, {y}, tasks, [=, kernels = &to.kernels](const Memory& memory, int task, int) {
    const Range range = part_of(planes, tasks, task);
    for (int64_t plane = range.begin; plane < range.end; ++plane) {
      double sum[max_block];
      const int64_t at = plane * pixels * block;
      kernels->dot_planes({1, pixels, 0}, memory.at<float>(a) + at, memory.at<float>(b) + at, sum);
      for (int64_t lane = 0; lane < block; ++lane)
        memory.at<float>(y)[plane * block + lane] = static_cast<float>(sum[lane]);
    }
  });
}

// Numbers are drawn by the logical, row-major index, so the layout does not show in them.
void lower(const Dropout& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0];
  const Layout layout = common_layout(to, node, 1);
  const Buffer from = to.read(x, layout), key = to.read(node.inputs[1]), y = to.write(node.outputs[0], layout);
  const int64_t images = to.shape(x).n(), channels = to.shape(x).c(), pixels = to.pixels(x);
  const int64_t image = to.image_elements(x, layout), block = layout == Layout::blocked ? to.block() : 1;
  const float factor = op.rescale ? 1 / (1 - op.probability) : 1.f;
  const int tasks = tasks_for(images * image * 8, images);
  to.add(node, "own", {from, key}, {y}, tasks, [=](const Memory& memory, int task, int) {
    const auto random_key = static_cast<uint64_t>(memory.at<int64_t>(key)[0]);
    const auto kept = [&](int64_t index) {
      return dropout_keeps(random_key, op.salt, static_cast<uint64_t>(index), op.probability);
    };
    const Range range = part_of(images, tasks, task);
    for (int64_t n = range.begin; n < range.end; ++n) {
      const float* in = memory.at<float>(from) + n * image;
      float* out = memory.at<float>(y) + n * image;
      const bool whole = op.per_image && kept(n);
      for (int64_t i = 0; i < image; ++i) {
        const int64_t c = i / (pixels * block) * block + i % block, p = i / block % pixels;
        const bool keep = op.per_image ? whole : c < channels && kept((n * channels + c) * pixels + p);
        out[i] = keep ? in[i] * factor : 0.f;
      }
    }
  });
}

void lower(const Fill& op, const Node& node, Lowering& to) {
  const Buffer y = to.write(node.outputs[0]);
  const int64_t count = op.shape.elements();
  const int tasks = tasks_for(count, count);
  to.add(node, "own", {}, {y}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(count, tasks, task);
    const auto fill = [&]<class T>(T value) { std::fill_n(memory.at<T>(y) + range.begin, range.size(), value); };
    switch (op.dtype) {
      case DType::i32: return fill(static_cast<int32_t>(op.value));
      case DType::i64: return fill(static_cast<int64_t>(op.value));
      case DType::u8: return fill(static_cast<uint8_t>(op.value));
      default: return fill(static_cast<float>(op.value));
    }
  });
}

}  // namespace resnet::cpu
