// 1x1 convolutions of f32 images, and the gradients of their input, by own kernels (isa/convolution_1x1.cpp): packed
// weights and the cut of the work. Bias, addition and ReLU are applied to the sums in registers.
#include "runtime/cpu/absorb.hpp"
#include "runtime/cpu/choice.hpp"
#include "runtime/cpu/convolution.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace resnet::cpu {
namespace {

constexpr int64_t block = 16;

// Rows are tiles of pixels, columns blocks of output channels. Bands divide the pixels that are read, parts the
// weights; each task reads its share of one and all of the other.
TwoWayCut cut_work(const Convolution1x1& s, int64_t images, int64_t macs) {
  TwoWayCut best{.rows = images * s.rows * s.tiles_in_row(), .columns = s.out_blocks};
  const int64_t weights = s.out_blocks * s.weights_block(), x = images * s.in_blocks * s.rows * s.columns * block;
  // A task should be worth some ten microseconds.
  const auto wanted =
      static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::clamp<int64_t>(macs / 500'000, 1, 8))));
  int64_t least = 0;
  for (int64_t parts = 1; parts <= std::min(wanted, (s.out_blocks + 1) / 2); parts *= 2) {
    const int64_t bands = std::min(wanted / parts, best.rows);
    const int64_t read = bands * weights + parts * x;
    const bool more = bands * parts > best.bands * best.parts, as_many = bands * parts == best.bands * best.parts;
    if (parts > 1 && !more && !(as_many && read < least)) continue;
    least = read;
    best.bands = bands, best.parts = parts;
  }
  return best;
}

// Weights [O,C], as [C/16][O][16] for the gradient of the input and as [O/16][C][16] else.
Buffer pack_1x1(Lowering& to, Value weights, bool transposed) {
  const int64_t outputs = to.shape(weights)[0], inputs = to.shape(weights)[1];
  Step step = to.packing(weights, to.read(weights), " packed", "pack 1x1",
                         static_cast<std::size_t>(outputs * inputs) * sizeof(float));
  const Buffer from = step.reads[0], packed = step.writes[0];
  const auto forward = [=, kernels = &to.kernels](const Memory& m, int task, int) {
    const int64_t begin = task * block * inputs;
    kernels->f32.to_blocked(m.at<float>(from) + begin, m.at<float>(packed) + begin, block, inputs);
  };
  const auto backward = [=](const Memory& m, int task, int) {
    const float* w = m.at<float>(from) + task * block;
    float* out = m.at<float>(packed) + task * block * outputs;
    for (int64_t o = 0; o < outputs; ++o) std::memcpy(out + o * block, w + o * inputs, block * sizeof(float));
  };
  step.run = [=, run = to.runner()](const Memory& memory) {
    if (transposed)
      run(memory, static_cast<int>(inputs / block), backward);
    else
      run(memory, static_cast<int>(outputs / block), forward);
  };
  to.program.add(std::move(step));
  return packed;
}

/// What a 1x1 convolution reads and writes; bias, residual and mask may be missing.
struct Buffers {
  Buffer source, weights, bias = {}, residual = {}, mask = {}, result;
};

void add_1x1(Lowering& to, const Node& node, const Convolution1x1& sizes, int64_t images, const Buffers& b, bool relu) {
  Step step = to.step(node, "own 1x1");
  step.reads = {b.source, b.weights};
  for (Buffer more : {b.bias, b.residual, b.mask})
    if (more) step.reads.push_back(more);
  step.writes = {b.result};
  const TwoWayCut cut = cut_work(sizes, images, step.info.macs);
  const auto task = [=, convolve = to.kernels.convolve_1x1](const Memory& memory, int index, int) {
    const auto at_or_null = [&](Buffer buffer) { return buffer ? memory.at<float>(buffer) : nullptr; };
    const ConvolutionFinish finish{at_or_null(b.bias), at_or_null(b.residual), at_or_null(b.mask), relu};
    const Range tiles = cut.band(index), outputs = cut.part(index);
    convolve(sizes, {tiles.begin, tiles.end, outputs.begin, outputs.end}, memory.at<float>(b.source),
             memory.at<float>(b.weights), memory.at<float>(b.result), finish);
  };
  step.run = [=, run = to.runner()](const Memory& memory) { run(memory, cut.count(), task); };
  to.program.add(std::move(step));
}

}  // namespace

void lower_1x1(const Conv& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Shape &from = to.shape(x), &shape = to.shape(y);
  Convolution1x1 sizes{.in_blocks = from.c() / block, .out_blocks = shape.c() / block, .stride = op.window.stride_w};
  const bool whole = op.window.stride_h == 1 && op.window.stride_w == 1;
  sizes.rows = whole ? 1 : shape.h();
  sizes.columns = whole ? to.pixels(y) : shape.w();
  sizes.x_row = op.window.stride_h * from.w() * block;
  sizes.x_block = to.pixels(x) * block;
  sizes.y_block = to.pixels(y) * block;
  Buffers b{.source = {}, .weights = pack_1x1(to, node.inputs[1], false), .result = {}};
  b.source = to.read(x, Layout::blocked);
  if (op.bias) b.bias = to.read(node.inputs[2]);
  if (op.add) b.residual = to.read(node.inputs.back(), Layout::blocked);
  b.result = to.write(y, Layout::blocked);
  add_1x1(to, node, sizes, from.n(), b, op.relu);
}

void lower_1x1(const ConvGradInput&, const Node& node, Lowering& to) {
  const Value dy = node.inputs[1], dx = node.outputs[0];
  const int64_t plane = to.pixels(dx) * block;
  const Convolution1x1 sizes{.in_blocks = to.shape(dy).c() / block,
                             .out_blocks = to.shape(dx).c() / block,
                             .rows = 1,
                             .columns = to.pixels(dx),
                             .x_block = plane,
                             .y_block = plane};
  const Buffer weights = pack_1x1(to, node.inputs[0], true);
  const Buffer source = to.read(dy, Layout::blocked);
  const GradientTarget target = absorb_gradient(dx, Layout::blocked, to);
  const Buffers b{.source = source,
                  .weights = weights,
                  .residual = target.residual,
                  .mask = target.mask,
                  .result = to.write(target.dx, Layout::blocked)};
  add_1x1(to, node, sizes, to.shape(dx).n(), b, false);
}

}  // namespace resnet::cpu
