// Element by element. An op takes its inputs in the layout that one of them lies in already; channels past the last are
// kept zero.
#include "base/error.hpp"
#include "runtime/cpu/amx/kernels.hpp"
#include "runtime/cpu/choice.hpp"
#include "runtime/cpu/lowering.hpp"

#include <algorithm>
#include <cstring>

namespace resnet::cpu {

namespace {

// That of the kernels if any input lies in it.
Layout common_layout(const Lowering& to, const Node& node, std::size_t inputs) {
  for (Layout layout : {Layout::batch_inner, Layout::channels_last, Layout::blocked})
    for (std::size_t i = 0; i < inputs; ++i)
      if (to.layout(node.inputs[i]) == layout &&
          (layout != Layout::batch_inner || to.shape(node.inputs[i]).c() % 2 == 0))
        return layout;
  return Layout::row_major;
}

/// y = f(a[, b]) image by image; `keeps_zero`: zeros give zero. `kernel` runs f on flat arrays of T.
template <class T, class Kernel>
void lower_flat(const Node& node, Lowering& to, std::size_t inputs, bool keeps_zero, const Kernel& kernel) {
  const Layout layout = common_layout(to, node, inputs);
  const Value x = node.inputs[0];
  const Buffer a = to.read(x, layout), b = inputs > 1 ? to.read(node.inputs[1], layout) : a;
  const Buffer y = to.write(node.outputs[0], layout);
  const int64_t total = to.elements(x, layout), channels = to.shape(x).c(), pixels = to.pixels(x);
  const int64_t image = to.image_elements(x, layout), images = to.shape(x).n();
  const bool pad = layout == Layout::blocked && channels % to.block() != 0 && !keeps_zero;
  const int tasks = tasks_for(total, pad ? images : total);
  to.add(node, "own", {a, b}, {y}, tasks, [=, kernels = &to.kernels.of<T>()](const Memory& memory, int task, int) {
    const Range range = pad ? part_of(images, tasks, task) : part_of(total, tasks, task);
    const int64_t unit = pad ? image : 1, begin = range.begin * unit;
    kernel(*kernels, memory.at<T>(a) + begin, memory.at<T>(b) + begin, memory.at<T>(y) + begin, range.size() * unit);
    for (int64_t n = range.begin; pad && n < range.end; ++n)
      kernels->zero_padding(memory.at<T>(y) + n * image, channels, pixels);
  });
}

}  // namespace

void lower(const Unary& op, const Node& node, Lowering& to) {
  const bool keeps_zero = op.kind == UnaryKind::relu || op.kind == UnaryKind::leaky_relu;
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) {
    lower_flat<T>(node, to, 1, keeps_zero, [op](const ImageKernels<T>& kernels, const T* x, const T*, T* y, int64_t n) {
      kernels.unary(op, x, y, n);
    });
  });
}

void lower(const UnaryGrad& op, const Node& node, Lowering& to) {
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) {
    lower_flat<T>(node, to, 2, true, [op](const ImageKernels<T>& kernels, const T* y, const T* dy, T* dx, int64_t n) {
      kernels.unary_gradient(op, y, dy, dx, n);
    });
  });
}

void lower(const Binary& op, const Node& node, Lowering& to) {
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) {
    lower_flat<T>(node, to, 2, op.kind != BinaryKind::divide,
                  [op](const ImageKernels<T>& kernels, const T* a, const T* b, T* y, int64_t n) {
                    kernels.binary(op, a, b, y, n);
                  });
  });
}

namespace {

/// Whether a convolution on AMX reads this value, the network's images for instance. 16 images are gathered by offsets
/// of 32 bits.
bool takes_batch_inner(const Lowering& to, Value value) {
  if (to.shape(value).elements() / to.shape(value).n() > INT32_MAX / amx::images_in_row) return false;
  return std::ranges::any_of(to.graph.nodes(), [&](const Node& node) {
    const Conv* conv = std::get_if<Conv>(&node.op);
    return conv && node.inputs[0] == value && to.image_layout(node.outputs[0]) == Layout::batch_inner &&
           amx_applies(*conv, to.shape(value), to.shape(node.outputs[0]));
  });
}

void lower_cast_to_batch_inner(const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Buffer source = to.read(x), result = to.write(y, Layout::batch_inner);
  const int64_t channels = to.shape(x).c(), pixels = to.pixels(x), image = channels * pixels;
  const int64_t group = amx::images_in_row * to.image_elements(y, Layout::batch_inner);
  const int64_t groups = to.shape(x).n() / amx::images_in_row;
  const int tasks = tasks_for(groups * group, groups * pixels);
  to.add(node, "own", {source}, {result}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(groups * pixels, tasks, task);
    for (int64_t begin = range.begin; begin < range.end;) {
      const int64_t g = begin / pixels, end = std::min(range.end, (g + 1) * pixels);
      amx::pack_images(memory.at<float>(source) + g * amx::images_in_row * image, image, channels, pixels,
                       begin - g * pixels, end - g * pixels, memory.at<BFloat16>(result) + g * group);
      begin = end;
    }
  });
}

}  // namespace

// Between f32 and bf16.
void lower(const Cast& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const DType from = to[x].dtype;
  if (from == op.to) return to.share(x, y);
  if (!(from == DType::f32 && op.to == DType::bf16) && !(from == DType::bf16 && op.to == DType::f32))
    fail("cast: from ", from, " to ", op.to, " is not available on the cpu backend");
  if (op.to == DType::bf16 && takes_batch_inner(to, y) && to.layout(x) == Layout::row_major)
    return lower_cast_to_batch_inner(node, to);
  const Layout layout = common_layout(to, node, 1);
  const Buffer source = to.read(x, layout), result = to.write(y, layout);
  const int64_t total = to.elements(x, layout);
  const int tasks = tasks_for(total, total);
  to.add(node, "own", {source}, {result}, tasks, [=, kernels = &to.kernels.bf16](const Memory& memory, int task, int) {
    const auto [begin, end] = part_of(total, tasks, task);
    if (from == DType::f32)
      kernels->from_float(memory.at<float>(source) + begin, memory.at<BFloat16>(result) + begin, end - begin);
    else
      kernels->to_float(memory.at<BFloat16>(source) + begin, memory.at<float>(result) + begin, end - begin);
  });
}

void lower(const ScaleChannels&, const Node& node, Lowering& to) {
  const Value x = node.inputs[0];
  const Layout layout = to.image_layout(x);
  const Buffer from = to.read(x, layout), scale = to.read(node.inputs[1], layout);
  const Buffer y = to.write(node.outputs[0], layout);
  const PlaneCut cut = to.planes(x, layout);
  const int64_t pixels = to.pixels(x);
  const int tasks = tasks_for(cut.planes * pixels * to.block(), cut.planes);
  with_image_type(to[x].dtype, [&]<class T>(T) {
    to.add(node, "own", {from, scale}, {y}, tasks,
           [=, kernel = to.kernels.of<T>().scale_plane](const Memory& memory, int task, int) {
             const Range range = part_of(cut.planes, tasks, task);
             for (int64_t plane = range.begin; plane < range.end; ++plane)
               kernel(memory.at<T>(from) + cut.offset(plane, pixels), memory.at<T>(scale) + cut.offset(plane, 1),
                      memory.at<T>(y) + cut.offset(plane, pixels), pixels, cut.pixel);
           });
  });
}

void lower(const ChannelDot&, const Node& node, Lowering& to) {
  const Value x = node.inputs[0];
  const Layout layout = to.image_layout(x);
  const Buffer a = to.read(x, layout), b = to.read(node.inputs[1], layout), y = to.write(node.outputs[0], layout);
  const PlaneCut cut = to.planes(x, layout);
  const int64_t pixels = to.pixels(x), block = to.block();
  const int tasks = tasks_for(cut.planes * pixels * block, cut.planes);
  with_image_type(to[x].dtype, [&]<class T>(T) {
    to.add(node, "own", {a, b}, {y}, tasks, [=, kernels = &to.kernels.of<T>()](const Memory& memory, int task, int) {
      const Range range = part_of(cut.planes, tasks, task);
      for (int64_t plane = range.begin; plane < range.end; ++plane) {
        double sum[max_block];
        const int64_t at = cut.offset(plane, pixels);
        kernels->dot_planes({1, pixels, 0, cut.pixel}, memory.at<T>(a) + at, memory.at<T>(b) + at, sum);
        float sums[max_block] = {};
        for (int64_t lane = 0; lane < block; ++lane) sums[lane] = static_cast<float>(sum[lane]);
        kernels->from_float(sums, memory.at<T>(y) + cut.offset(plane, 1), block);
      }
    });
  });
}

// Numbers are drawn by the logical, row-major index, so the layout does not show in them.
void lower(const Dropout& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0];
  Layout layout = common_layout(to, node, 1);
  if (layout == Layout::batch_inner) layout = Layout::blocked;  // images one after the other
  const Buffer from = to.read(x, layout), key = to.read(node.inputs[1]), y = to.write(node.outputs[0], layout);
  const int64_t images = to.shape(x).n(), channels = to.shape(x).c(), pixels = to.pixels(x);
  const int64_t image = to.image_elements(x, layout);
  const int64_t block = layout == Layout::blocked ? to.block() : layout == Layout::channels_last ? channels : 1;
  const float factor = op.rescale ? 1 / (1 - op.probability) : 1.f;
  const int tasks = tasks_for(images * image * 8, images);
  const auto kept = [=](uint64_t random_key, int64_t index) {
    return dropout_keeps(random_key, op.salt, static_cast<uint64_t>(index), op.probability);
  };
  with_image_type(to[x].dtype, [&]<class T>(T) {
    to.add(node, "own", {from, key}, {y}, tasks,
           [=, kernels = &to.kernels.of<T>()](const Memory& memory, int task, int) {
             const auto random_key = static_cast<uint64_t>(memory.at<int64_t>(key)[0]);
             const Range range = part_of(images, tasks, task);
             for (int64_t n = range.begin; n < range.end; ++n) {
               T* out = memory.at<T>(y) + n * image;
               const bool whole = op.per_image && kept(random_key, n);
               kernels->unary({.kind = UnaryKind::affine, .a = factor}, memory.at<T>(from) + n * image, out, image);
               for (int64_t i = 0; i < image; ++i) {
                 const int64_t c = i / (pixels * block) * block + i % block, p = i / block % pixels;
                 const bool keep =
                     op.per_image ? whole : c < channels && kept(random_key, (n * channels + c) * pixels + p);
                 if (!keep) out[i] = T{};
               }
             }
           });
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
