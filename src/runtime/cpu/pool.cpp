// Pooling: a task is a number of planes.
#include "runtime/cpu/lowering.hpp"

namespace resnet::cpu {

namespace {

/// The sizes of pooling `x` to `y`; the block's planes of all images.
PoolSizes sizes_of(const Shape& x, const Shape& y, const Window& window, const PlaneCut& planes) {
  return {.height = x.h(),
          .width = x.w(),
          .out_height = y.h(),
          .out_width = y.w(),
          .window = window,
          .pixel = planes.pixel};
}

/// work(memory, plane, offset of the plane in x, offset in y) for each plane.
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
  const Layout layout = to.image_layout(x);
  const Buffer from = to.read(x, layout), best = to.write(y, layout);
  const Buffer positions = to.write(node.outputs[1], layout);
  const PlaneCut cut = to.planes(x, layout);
  const PoolSizes sizes = sizes_of(to.shape(x), to.shape(y), op.window, cut);
  const bool pad = layout == Layout::blocked && to.shape(x).c() % to.block() != 0;
  const int64_t blocks = to.channel_blocks(x), channels = to.shape(x).c(), pixels = to.pixels(y);
  lower_planes(node, to, x, y, cut, {from}, {best, positions},
               [=, kernels = &to.kernels](const Memory& memory, int64_t x_at, int64_t y_at) {
                 auto* at = memory.at<int32_t>(positions) + y_at;
                 kernels->of<T>().max_pool(sizes, memory.at<T>(from) + x_at, memory.at<T>(best) + y_at, at);
                 const int64_t cb = y_at / (pixels * kernels->block) % blocks;
                 if (pad && cb == blocks - 1)
                   kernels->f32.zero_padding(reinterpret_cast<float*>(at), channels % kernels->block, pixels);
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
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) { lower_max_pool<T>(op, node, to); });
}

void lower(const MaxPoolGrad& op, const Node& node, Lowering& to) {
  const Value dy = node.inputs[1], dx = node.outputs[0];
  const Layout layout = to.image_layout(dx);
  const Buffer positions = to.read(node.inputs[0], layout), gradient = to.read(dy, layout);
  const Buffer result = to.write(dx, layout);
  const PlaneCut cut = to.planes(dx, layout);
  const PoolSizes sizes = sizes_of(to.shape(dx), to.shape(dy), op.window, cut);
  with_image_type(to[dy].dtype, [&]<class T>(T) {
    lower_planes(node, to, dx, dy, cut, {positions, gradient}, {result},
                 [=, kernel = to.kernels.of<T>().max_pool_gradient](const Memory& memory, int64_t x_at, int64_t y_at) {
                   kernel(sizes, memory.at<int32_t>(positions) + y_at, memory.at<T>(gradient) + y_at,
                          memory.at<T>(result) + x_at);
                 });
  });
}

void lower(const AveragePool& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Layout layout = to.image_layout(x);
  const Buffer from = to.read(x, layout), result = to.write(y, layout);
  const PlaneCut cut = to.planes(x, layout);
  const PoolSizes sizes = sizes_of(to.shape(x), to.shape(y), op.window, cut);
  with_image_type(to[x].dtype, [&]<class T>(T) {
    lower_planes(node, to, x, y, cut, {from}, {result},
                 [=, kernel = to.kernels.of<T>().average_pool](const Memory& memory, int64_t x_at, int64_t y_at) {
                   kernel(sizes, op.count_include_pad, memory.at<T>(from) + x_at, memory.at<T>(result) + y_at);
                 });
  });
}

void lower(const AveragePoolGrad& op, const Node& node, Lowering& to) {
  const Value dy = node.inputs[0], dx = node.outputs[0];
  const Layout layout = to.image_layout(dx);
  const Buffer gradient = to.read(dy, layout), result = to.write(dx, layout);
  const PlaneCut cut = to.planes(dx, layout);
  const PoolSizes sizes = sizes_of(to.shape(dx), to.shape(dy), op.window, cut);
  with_image_type(to[dy].dtype, [&]<class T>(T) {
    lower_planes(
        node, to, dx, dy, cut, {gradient}, {result},
        [=, kernel = to.kernels.of<T>().average_pool_gradient](const Memory& memory, int64_t x_at, int64_t y_at) {
          kernel(sizes, op.count_include_pad, memory.at<T>(gradient) + y_at, memory.at<T>(result) + x_at);
        });
  });
}

void lower(const GlobalAveragePool&, const Node& node, Lowering& to) {
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) { lower_global<T>(node, to); });
}

void lower(const GlobalAveragePoolGrad&, const Node& node, Lowering& to) {
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) { lower_global_gradient<T>(node, to); });
}

}  // namespace resnet::cpu
