// Convolution and the gradient of its input. Batches are cut into lanes of images; fewer images than lanes are cut
// by blocks of output channels as well, which for one image are contiguous in the result and in the packed weights.
#include "runtime/cpu/convolution.hpp"

#include "graph/op_functions.hpp"
#include "runtime/cpu/absorb.hpp"
#include "runtime/cpu/channels_last.hpp"
#include "runtime/cpu/choice.hpp"
#include "runtime/cpu/convolution_amx.hpp"

#include <algorithm>

namespace resnet::cpu {

namespace {

constexpr int64_t lanes_wanted = 8;

// Pieces of the output channels, so that images x pieces tasks are about enough.
int parts_for(const Lowering& to, const ConvolutionSizes& s, int64_t images, int64_t macs) {
  const int64_t wanted = lanes_for(lanes_wanted, macs);
  if (images >= wanted || s.groups != 1 || s.out_channels % to.block() != 0) return 1;
  const int64_t blocks = s.out_channels / to.block();
  const int64_t most = s.out_channels / least_part_channels(s, to.kernels.isa);
  int64_t parts = std::min({blocks, std::max<int64_t>(most, 1), (wanted + images - 1) / images});
  while (blocks % parts != 0) --parts;
  return static_cast<int>(parts);
}

// The batch in `count` nearly equal shares, whose sizes differ by one image at most: for each size the primitive and
// the weights as it wants them.
struct Lanes {
  struct Size {
    std::shared_ptr<Primitive> primitive;
    Buffer weights;
  };
  int64_t images = 0;
  int count = 1;
  Size small = {}, large = {};

  Range range(int lane) const { return part_of(images, count, lane); }
  const Size& of(const Range& range) const { return range.size() == images / count ? small : large; }
};

Lanes make_lanes(Lowering& to, const ConvolutionRequest& request, Value weights, const Grouping& grouping, int count,
                 int parts) {
  const auto sized = [&](int64_t images) {
    const auto primitive = find_convolution(to, request, images, request.sizes.out_channels / parts);
    return Lanes::Size{primitive, pack_weights(to, weights, grouping, primitive->desc(1), parts)};
  };
  Lanes lanes{.images = request.sizes.images, .count = count};
  lanes.small = lanes.large = sized(lanes.images / count);
  if (lanes.images % count != 0) lanes.large = sized(lanes.images / count + 1);
  return lanes;
}

}  // namespace

void lower(const Conv& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], w = node.inputs[1], y = node.outputs[0];
  if (to.image_layout(y) == Layout::batch_inner && amx_applies(op, to.shape(x), to.shape(y)))
    return lower_on_amx(op, node, to);
  if (to.wants_channels_last(x) && channels_last_applies(op, to.shape(x), to.shape(y)))
    return lower_channels_last(op, node, to);
  if (own_1x1_applies(op, to.shape(x), to.shape(y), to[x].dtype, false, to.program.options().convolutions))
    return lower_1x1(op, node, to);
  const Grouping grouping = choose_grouping(to, to.shape(x), to.shape(y), op.groups);
  const ConvolutionSizes sizes = convolution_sizes(to.shape(x), to.shape(y), op.window, grouping);
  Step step = to.step(node, "");
  const int64_t images = sizes.images;
  const int parts = parts_for(to, sizes, images, step.info.macs);
  const int64_t part_channels = sizes.out_channels / parts;
  const int count = parts > 1 ? static_cast<int>(images) : lanes_for(images, step.info.macs);
  ConvolutionSizes lane = sizes;
  lane.images = images / count;
  if (own_3x3_applies(op, lane, to[x].dtype, !to.training, to.program.options().convolutions))
    return lower_3x3(op, node, to);
  ConvolutionRequest request{.kind = Candidate::forward,
                             .sizes = sizes,
                             .window = op.window,
                             .layouts = {},
                             .type = to[x].dtype,
                             .bias = op.bias,
                             .relu = op.relu && !op.add,
                             .inference = !to.training};
  choose_layouts(to, request, to.layout(x), images / count, part_channels);
  const Lanes lanes = make_lanes(to, request, w, grouping, count, parts);

  const Buffer source = to.read(x, request.layouts.source);
  const Buffer bias = op.bias ? to.read(node.inputs[2]) : Buffer{};
  const Buffer residual = op.add ? to.read(node.inputs.back(), request.layouts.destination) : Buffer{};
  const Buffer result = to.write(y, request.layouts.destination);
  step.info.implementation = lanes.small.primitive->implementation();
  step.reads = {source, lanes.small.weights, lanes.large.weights};
  if (bias) step.reads.push_back(bias);
  if (residual) step.reads.push_back(residual);
  step.writes = {result};

  const int64_t x_image = to.image_bytes(x, request.layouts.source);
  const int64_t y_image = to.image_bytes(y, request.layouts.destination);
  const int64_t y_elements = to.image_elements(y, request.layouts.destination);
  const Binary join{BinaryKind::add, op.relu};
  const bool low = request.type == DType::bf16;
  const auto task = [=, kernels = &to.kernels](const Memory& memory, int index, int worker) {
    const Range range = lanes.range(index / parts);
    const int part = index % parts;
    const int64_t offset = range.begin * y_image + part * (y_image / parts);
    const auto& [primitive, weights] = lanes.of(range);
    const std::byte* packed =
        memory.at<std::byte>(weights) + static_cast<std::size_t>(part) * packed_bytes(primitive->desc(1));
    const std::byte* image = memory.at<std::byte>(source) + range.begin * x_image;
    std::byte* out = memory.at<std::byte>(result) + offset;
    if (bias)
      primitive->run(memory, worker, {image, packed, out, memory.at<float>(bias) + part * part_channels});
    else
      primitive->run(memory, worker, {image, packed, out});
    if (!residual) return;
    // While the lane is in the cache.
    const auto add = [&]<class T>(T) {
      const std::byte* other = memory.at<std::byte>(residual) + offset;
      kernels->of<T>().binary(join, reinterpret_cast<const T*>(out), reinterpret_cast<const T*>(other),
                              reinterpret_cast<T*>(out), range.size() * y_elements / parts);
    };
    with_image_type(low ? DType::bf16 : DType::f32, add);
  };
  step.run = [=, run = to.runner()](const Memory& memory) { run(memory, count * parts, task); };
  to.program.add(std::move(step));
}

void lower(const ConvGradInput& op, const Node& node, Lowering& to) {
  const Value w = node.inputs[0], dy = node.inputs[1], dx = node.outputs[0];
  const Conv forward{.window = op.window, .groups = op.groups};
  if (to.image_layout(dx) == Layout::batch_inner && to.shape(dx).c() % 16 == 0 &&
      amx_applies(forward, to.shape(dx), to.shape(dy)))
    return lower_on_amx(op, node, to);
  if (own_1x1_applies(forward, to.shape(dx), to.shape(dy), to[dy].dtype, true, to.program.options().convolutions))
    return lower_1x1(op, node, to);
  const Grouping grouping = choose_grouping(to, to.shape(dx), to.shape(dy), op.groups);
  const ConvolutionSizes sizes = convolution_sizes(to.shape(dx), to.shape(dy), op.window, grouping);
  Step step = to.step(node, "");
  const int count = lanes_for(sizes.images, step.info.macs);
  ConvolutionRequest request{
      .kind = Candidate::backward_data, .sizes = sizes, .window = op.window, .layouts = {}, .type = to[dy].dtype};
  choose_layouts(to, request, Layout::blocked, sizes.images / count, sizes.out_channels);
  const Lanes lanes = make_lanes(to, request, w, grouping, count, 1);
  const Buffer gradient = to.read(dy, request.layouts.destination);
  const GradientTarget target = absorb_gradient(dx, request.layouts.source, to);
  const Buffer result = to.write(target.dx, request.layouts.source);
  step.info.implementation = lanes.small.primitive->implementation();
  step.reads = {gradient, lanes.small.weights, lanes.large.weights};
  for (Buffer also : {target.residual, target.mask})
    if (also) step.reads.push_back(also);
  step.writes = {result};
  const int64_t x_image = to.image_bytes(dx, request.layouts.source);
  const int64_t y_image = to.image_bytes(dy, request.layouts.destination);
  const bool low = request.type == DType::bf16;
  const auto task = [=, kernels = &to.kernels](const Memory& memory, int lane, int worker) {
    const Range range = lanes.range(lane);
    const auto& [primitive, weights] = lanes.of(range);
    std::byte* out = memory.at<std::byte>(result) + range.begin * x_image;
    primitive->run(memory, worker,
                   {memory.at<std::byte>(gradient) + range.begin * y_image, memory.at<std::byte>(weights), out});
    if (!target.residual && !target.mask) return;
    // While the lane is in the cache.
    with_image_type(low ? DType::bf16 : DType::f32, [&]<class T>(T) {
      const auto lane_of = [&](Buffer buffer) {
        return buffer ? reinterpret_cast<const T*>(memory.at<std::byte>(buffer) + range.begin * x_image) : nullptr;
      };
      kernels->of<T>().join_gradients(lane_of(target.mask), lane_of(target.residual), reinterpret_cast<T*>(out),
                                      range.size() * x_image / static_cast<int64_t>(sizeof(T)));
    });
  };
  step.run = [=, run = to.runner()](const Memory& memory) { run(memory, count, task); };
  to.program.add(std::move(step));
}

}  // namespace resnet::cpu
