// Pooling: a task is a number of planes, or of their lines.
#include "runtime/cpu/channels_last.hpp"

#include <algorithm>

namespace resnet::cpu {

PoolSizes pool_sizes(const Shape& x, const Shape& y, const Window& window, int64_t pixel) {
  return {.height = x.h(),
          .width = x.w(),
          .out_height = y.h(),
          .out_width = y.w(),
          .window = window,
          .pixel = pixel,
          .line_begin = 0,
          .line_end = y.h()};
}

namespace {

/// Pooling of `x` to `y` (or the gradients of these): a task is some lines of the planes, or of the groups of 16
/// images.
struct Pooling {
  Layout layout;
  PlaneCut cut;
  PoolSizes sizes;
  int64_t planes;

  Pooling(const Lowering& to, Value x, Value y, const Window& window)
      : layout(to.image_layout(x)),
        cut(to.planes(x, layout)),
        sizes(pool_sizes(to.shape(x), to.shape(y), window, cut.pixel)),
        planes(cut.planes / cut.beside) {}
  int64_t x_plane() const { return sizes.height * sizes.width * sizes.pixel; }
  int64_t y_plane() const { return sizes.out_height * sizes.out_width * sizes.pixel; }
};

/// work(memory, sizes with the lines set, plane), over all planes; a plane of the result has `lines` lines.
using LineWork = std::function<void(const Memory& memory, const PoolSizes& sizes, int64_t plane)>;

void lower_lines(const Node& node, Lowering& to, const Pooling& pooling, int64_t lines, std::vector<Buffer> reads,
                 std::vector<Buffer> writes, LineWork work) {
  const int64_t all = pooling.planes * lines;
  const int tasks = tasks_for(pooling.planes * pooling.x_plane(), all);
  to.add(node, "own", std::move(reads), std::move(writes), tasks, [=](const Memory& memory, int task, int) {
    each_plane(part_of(all, tasks, task), lines, [&](int64_t plane, int64_t first, int64_t end) {
      PoolSizes sizes = pooling.sizes;
      sizes.line_begin = first;
      sizes.line_end = end;
      work(memory, sizes, plane);
    });
  });
}

/// work(memory, offset of the plane in x, offset in y) for each plane.
using PlaneWork = std::function<void(const Memory& memory, int64_t x, int64_t y)>;

void lower_planes(const Node& node, Lowering& to, Value x, Value y, const PlaneCut& cut, std::vector<Buffer> reads,
                  std::vector<Buffer> writes, PlaneWork work) {
  const int64_t x_pixels = to.pixels(x), y_pixels = to.pixels(y);
  const int tasks = tasks_for(cut.planes * x_pixels * to.block(), cut.planes);
  to.add(node, "own", std::move(reads), std::move(writes), tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(cut.planes, tasks, task);
    for (int64_t plane = range.begin; plane < range.end; ++plane)
      work(memory, cut.offset(plane, x_pixels), cut.offset(plane, y_pixels));
  });
}

template <class T>
void lower_max_pool(const MaxPool& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Pooling pooling(to, x, y, op.window);
  const Buffer from = to.read(x, pooling.layout), best = to.write(y, pooling.layout);
  const Buffer positions = to.write(node.outputs[1], pooling.layout);
  const bool pad = pooling.layout == Layout::blocked && to.shape(x).c() % to.block() != 0;
  const int64_t blocks = to.channel_blocks(x), channels = to.shape(x).c();
  lower_lines(node, to, pooling, pooling.sizes.out_height, {from}, {best, positions},
              [=, kernels = &to.kernels](const Memory& memory, const PoolSizes& sizes, int64_t plane) {
                auto* at = memory.at<int32_t>(positions) + plane * pooling.y_plane();
                kernels->of<T>().max_pool(sizes, memory.at<T>(from) + plane * pooling.x_plane(), nullptr,
                                          memory.at<T>(best) + plane * pooling.y_plane(), at);
                if (pad && plane % blocks == blocks - 1)
                  kernels->f32.zero_padding(
                      reinterpret_cast<float*>(at + sizes.line_begin * sizes.out_width * kernels->block),
                      channels % kernels->block, (sizes.line_end - sizes.line_begin) * sizes.out_width);
              });
}

template <class T>
void lower_global(const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Layout layout = to.image_layout(x);
  const Buffer from = to.read(x, layout), result = to.write(y, layout);
  const PlaneCut cut = to.planes(x, layout);
  const int64_t pixels = to.pixels(x), block = to.block();
  lower_planes(node, to, x, y, cut, {from}, {result},
               [=, kernels = &to.kernels.of<T>()](const Memory& memory, int64_t x_at, int64_t y_at) {
                 double sum[max_block];
                 kernels->dot_planes({1, pixels, 0, cut.pixel}, memory.at<T>(from) + x_at, nullptr, sum);
                 float mean[max_block] = {};
                 for (int64_t lane = 0; lane < block; ++lane)
                   mean[lane] = static_cast<float>(sum[lane] / static_cast<double>(pixels));
                 kernels->from_float(mean, memory.at<T>(result) + y_at, block);
               });
}

template <class T>
void lower_global_gradient(const Node& node, Lowering& to) {
  const Value dy = node.inputs[0], dx = node.outputs[0];
  const Layout layout = to.image_layout(dx);
  const Buffer gradient = to.read(dy, layout), result = to.write(dx, layout);
  const PlaneCut cut = to.planes(dx, layout);
  const int64_t pixels = to.pixels(dx), block = to.block();
  lower_planes(node, to, dx, dy, cut, {gradient}, {result},
               [=, kernels = &to.kernels.of<T>()](const Memory& memory, int64_t x_at, int64_t y_at) {
                 float share[max_block];
                 kernels->to_float(memory.at<T>(gradient) + y_at, share, block);
                 for (int64_t lane = 0; lane < block; ++lane) share[lane] /= static_cast<float>(pixels);
                 kernels->fill_plane(share, memory.at<T>(result) + x_at, pixels, cut.pixel);
               });
}

}  // namespace

void lower(const MaxPool& op, const Node& node, Lowering& to) {
  const bool unread =
      to.graph.use_counts()[static_cast<std::size_t>(node.outputs[1].id)] == 0 && !to.graph.is_output(node.outputs[1]);
  if (to.layout(node.inputs[0]) == Layout::channels_last && unread) return lower_channels_last(op, node, to);
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) { lower_max_pool<T>(op, node, to); });
}

void lower(const MaxPoolGrad& op, const Node& node, Lowering& to) {
  const Value dy = node.inputs[1], dx = node.outputs[0];
  const Pooling pooling(to, dx, dy, op.window);
  const Buffer positions = to.read(node.inputs[0], pooling.layout), gradient = to.read(dy, pooling.layout);
  const Buffer result = to.write(dx, pooling.layout);
  with_image_type(to[dy].dtype, [&]<class T>(T) {
    lower_lines(node, to, pooling, pooling.sizes.height, {positions, gradient}, {result},
                [=, kernel = to.kernels.of<T>().max_pool_gradient](const Memory& memory, const PoolSizes& sizes,
                                                                   int64_t plane) {
                  kernel(sizes, memory.at<int32_t>(positions) + plane * pooling.y_plane(),
                         memory.at<T>(gradient) + plane * pooling.y_plane(),
                         memory.at<T>(result) + plane * pooling.x_plane());
                });
  });
}

void lower(const AveragePool& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Pooling pooling(to, x, y, op.window);
  const Buffer from = to.read(x, pooling.layout), result = to.write(y, pooling.layout);
  with_image_type(to[x].dtype, [&]<class T>(T) {
    lower_lines(
        node, to, pooling, pooling.sizes.out_height, {from}, {result},
        [=, kernel = to.kernels.of<T>().average_pool](const Memory& memory, const PoolSizes& sizes, int64_t plane) {
          kernel(sizes, op.count_include_pad, memory.at<T>(from) + plane * pooling.x_plane(),
                 memory.at<T>(result) + plane * pooling.y_plane());
        });
  });
}

void lower(const AveragePoolGrad& op, const Node& node, Lowering& to) {
  const Value dy = node.inputs[0], dx = node.outputs[0];
  const Pooling pooling(to, dx, dy, op.window);
  const Buffer gradient = to.read(dy, pooling.layout), result = to.write(dx, pooling.layout);
  with_image_type(to[dy].dtype, [&]<class T>(T) {
    lower_lines(node, to, pooling, pooling.sizes.height, {gradient}, {result},
                [=, kernel = to.kernels.of<T>().average_pool_gradient](const Memory& memory, const PoolSizes& sizes,
                                                                       int64_t plane) {
                  kernel(sizes, op.count_include_pad, memory.at<T>(gradient) + plane * pooling.y_plane(),
                         memory.at<T>(result) + plane * pooling.x_plane());
                });
  });
}

void lower(const GlobalAveragePool& op, const Node& node, Lowering& to) {
  if (to.layout(node.inputs[0]) == Layout::channels_last) return lower_channels_last(op, node, to);
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) { lower_global<T>(node, to); });
}

void lower(const GlobalAveragePoolGrad&, const Node& node, Lowering& to) {
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) { lower_global_gradient<T>(node, to); });
}

}  // namespace resnet::cpu
