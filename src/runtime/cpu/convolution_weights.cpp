// The gradient of a convolution's weights. Each lane of images makes a gradient of its own, and a fixed tree adds them;
// where the weights are many against the activations, tasks take blocks of output channels of the whole batch instead,
// so that nothing has to be added (eight partial copies of a 512 x 512 x 3 x 3 gradient cost more than they bring).
#include "runtime/cpu/convolution.hpp"

#include "graph/op_functions.hpp"
#include "runtime/cpu/choice.hpp"
#include "runtime/cpu/convolution_amx.hpp"

#include <algorithm>
#include <cstring>

namespace resnet::cpu {

namespace {

constexpr int parts_wanted = 8;

bool cut_by_channels(const Lowering& to, const ConvolutionRequest& r, int lanes) {
  const ConvolutionSizes& s = r.sizes;
  if (s.groups != 1 || lanes == 1 || s.out_channels % (parts_wanted * to.block()) != 0) return false;
  if (r.layouts.destination != Layout::blocked) return false;
  const int64_t weights = s.out_channels * s.channels * s.kernel_h * s.kernel_w;
  const int64_t x = s.images * s.channels * s.height * s.width;
  const int64_t dy = s.images * s.out_channels * s.out_height * s.out_width;
  // Traffic: each lane's copy is written and read, against dy gathered by parts and x read by every part.
  return 2 * lanes * weights > 2 * dy + (parts_wanted - 1) * x / 2;
}

// Packed gradient to [O,I,kh,kw] in `parts` pieces along O.
struct Unpack {
  std::shared_ptr<Primitive> reorder;
  std::size_t packed = 0, plain = 0;
};

Unpack unpacking(Lowering& to, const MemoryDesc& desc) {
  const MemoryDesc plain = row_major_weights(desc);
  return {std::make_shared<Primitive>(reorder_candidate(desc, plain, to.workers->engine), to.workers),
          packed_bytes(desc), plain.get_size()};
}

// dy of images x channels blocks, one part of the channels contiguous for all images.
// `image` and `part_image` are bytes.
void gather_part(const std::byte* dy, std::byte* part, int64_t images, int64_t image, int64_t part_image,
                 int64_t index) {
  for (int64_t n = 0; n < images; ++n)
    std::memcpy(part + n * part_image, dy + n * image + index * part_image, static_cast<std::size_t>(part_image));
}

void lower_by_channels(const ConvolutionRequest& request, const Node& node, Lowering& to, Step step) {
  const Value x = node.inputs[0], dy = node.inputs[1], dw = node.outputs[0];
  const int64_t images = request.sizes.images;
  const auto primitive = find_convolution(to, request, images, request.sizes.out_channels / parts_wanted);
  const Unpack unpack = unpacking(to, primitive->desc(2));
  const int64_t image = to.image_bytes(dy, Layout::blocked), part_image = image / parts_wanted;
  const Buffer source = to.read(x, request.layouts.source), gradient = to.read(dy, Layout::blocked);
  const Buffer gathered = to.temporary(node, "dy", images * image);
  const Buffer packed = to.temporary(node, "packed", static_cast<int64_t>(unpack.packed) * parts_wanted);
  const Buffer result = to.write(dw);
  step.info.implementation = primitive->implementation() + " by channels";
  step.reads = {source, gradient};
  step.writes = {gathered, packed, result};
  const auto task = [=](const Memory& memory, int part, int worker) {
    const auto p = static_cast<std::size_t>(part);
    std::byte* dy_part = memory.at<std::byte>(gathered) + part * images * part_image;
    std::byte* dw_part = memory.at<std::byte>(packed) + p * unpack.packed;
    gather_part(memory.at<std::byte>(gradient), dy_part, images, image, part_image, part);
    primitive->run(memory, worker, {memory.at<std::byte>(source), dy_part, dw_part});
    unpack.reorder->run(memory, worker, {dw_part, memory.at<std::byte>(result) + p * unpack.plain});
  };
  step.run = [=, run = to.runner()](const Memory& memory) { run(memory, parts_wanted, task); };
  to.program.add(std::move(step));
}

/// Gradients [kernels][kernel_size] of taps that meet no pixel.
void clear_taps(const std::vector<int>& taps, int64_t kernel_size, int64_t kernels, float* gradient) {
  for (int64_t kernel = 0; kernel < kernels; ++kernel)
    for (const int tap : taps) gradient[kernel * kernel_size + tap] = 0;
}

void lower_by_lanes(const ConvolutionRequest& request, const Grouping& grouping, const Node& node, Lowering& to,
                    Step step, int lanes) {
  const Value x = node.inputs[0], dy = node.inputs[1], dw = node.outputs[0];
  const int64_t images = request.sizes.images, channels = request.sizes.out_channels;
  const auto small = find_convolution(to, request, images / lanes, channels);
  auto large = images % lanes == 0 ? small : find_convolution(to, request, images / lanes + 1, channels);
  const MemoryDesc& desc = small->desc(2);
  const Unpack unpack = unpacking(to, desc);
  const Buffer source = to.read(x, request.layouts.source), gradient = to.read(dy, request.layouts.destination);
  const Buffer partial = to.temporary(node, "lanes", static_cast<int64_t>(unpack.packed) * lanes);
  const Buffer sum = lanes == 1 ? partial : to.temporary(node, "sum", static_cast<int64_t>(unpack.packed));
  const Buffer result = to.write(dw);
  const bool merged = grouping.merged > 1;
  const Buffer wide = merged ? to.temporary(node, "wide", static_cast<int64_t>(unpack.plain)) : result;
  step.info.implementation = small->implementation();
  step.reads = {source, gradient};
  step.writes = {partial, sum, wide, result};
  const int64_t x_image = to.image_bytes(x, request.layouts.source);
  const int64_t y_image = to.image_bytes(dy, request.layouts.destination);
  const auto count = static_cast<int64_t>(unpack.packed / sizeof(float));
  const int pieces = tasks_for(count, 32);
  const int64_t kernel_size = int64_t{request.sizes.kernel_h} * request.sizes.kernel_w;
  const int64_t kernels_in_all = static_cast<int64_t>(unpack.plain / sizeof(float)) / kernel_size;
  const auto lane_task = [=](const Memory& memory, int lane, int worker) {
    const Range range = part_of(images, lanes, lane);
    (range.size() == images / lanes ? small : large)
        ->run(memory, worker,
              {memory.at<std::byte>(source) + range.begin * x_image,
               memory.at<std::byte>(gradient) + range.begin * y_image,
               memory.at<std::byte>(partial) + static_cast<std::size_t>(lane) * unpack.packed});
  };
  const auto sum_task = [=, kernels = &to.kernels](const Memory& memory, int piece, int) {
    constexpr int64_t line = buffer_alignment / sizeof(float);
    const Range lines = part_of(count / line, pieces, piece);
    kernels->sum_lanes(memory.at<float>(partial) + lines.begin * line, count, lanes,
                       memory.at<float>(sum) + lines.begin * line, lines.size() * line);
  };
  step.run = [=, idle = idle_taps_in_bf16(request), narrow = to.shape(dw), run = to.runner()](const Memory& memory) {
    run(memory, lanes, lane_task);
    if (lanes > 1) run(memory, pieces, sum_task);
    unpack.reorder->run(memory, 0, {memory.at<float>(sum), memory.at<float>(wide)});
    clear_taps(idle, kernel_size, kernels_in_all, memory.at<float>(wide));
    if (merged) narrow_weights(narrow, grouping, memory.at<float>(wide), memory.at<float>(result));
  };
  to.program.add(std::move(step));
}

}  // namespace

void lower(const ConvGradWeight& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], dy = node.inputs[1];
  const Conv forward{.window = op.window, .groups = op.groups};
  if (to.image_layout(dy) == Layout::batch_inner && amx_applies(forward, to.shape(x), to.shape(dy)))
    return lower_on_amx(op, node, to);
  Step step = to.step(node, "");
  const Grouping grouping = choose_grouping(to, to.shape(x), to.shape(dy), op.groups);
  ConvolutionRequest request{.kind = Candidate::backward_weights,
                             .sizes = convolution_sizes(to.shape(x), to.shape(dy), op.window, grouping),
                             .window = op.window,
                             .layouts = {},
                             .type = to[x].dtype};
  const int64_t images = request.sizes.images;
  int lanes = lanes_for(images, step.info.macs);
  choose_layouts(to, request, to.layout(x), images / lanes, request.sizes.out_channels);
  if (grouping.merged == 1 && cut_by_channels(to, request, lanes))
    return lower_by_channels(request, node, to, std::move(step));
  // The larger lanes must give the same layout as the smaller ones, since they are added.
  while (images % lanes != 0 &&
         find_convolution(to, request, images / lanes, request.sizes.out_channels)->desc(2) !=
             find_convolution(to, request, images / lanes + 1, request.sizes.out_channels)->desc(2))
    --lanes;
  lower_by_lanes(request, grouping, node, to, std::move(step), lanes);
}

}  // namespace resnet::cpu
