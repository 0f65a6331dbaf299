// 3x3 convolutions of f32 images by own kernels (isa/convolution_3x3.cpp): packed weights and the cut of the work.
#include "runtime/cpu/choice.hpp"
#include "runtime/cpu/convolution.hpp"

#include <algorithm>

namespace resnet::cpu {
namespace {

constexpr int64_t block = 16, taps = 9;

// Rows of pixels, and columns that are groups of output channels. Weights are the larger part of what is read where
// groups are many, so groups are cut first.
TwoWayCut cut_work(const Convolution3x3& s, int64_t images, int64_t macs) {
  // A task should be worth some ten microseconds.
  const int64_t wanted = std::clamp<int64_t>(macs / 500'000, 1, 8);
  TwoWayCut cut{.rows = images * s.rows, .columns = s.out_blocks / s.group()};
  cut.parts = std::min(wanted, cut.columns);
  cut.bands = std::min(wanted / cut.parts, cut.rows);
  return cut;
}

/// Weights [O,C,3,3] as Convolution3x3 wants them.
Buffer pack_3x3(Lowering& to, Value weights, const Convolution3x3& s) {
  Step step = to.packing(weights, to.read(weights), " packed", "pack 3x3",
                         static_cast<std::size_t>(to.shape(weights).elements()) * sizeof(float));
  const Buffer from = step.reads[0], packed = step.writes[0];
  const int64_t inputs = s.in_blocks * block, group_outputs = s.group() * block;
  const auto pack_outputs = [=](const Memory& m, int task, int) {
    const int64_t group = task / s.group(), lane = task % s.group() * block;
    const float* w = m.at<float>(from) + task * block * inputs * taps;
    float* out = m.at<float>(packed) + group * s.weights_group() + lane;
    for (int64_t c = 0; c < inputs; ++c)
      for (int64_t tap = 0; tap < taps; ++tap) {
        float* line = out + ((c / block * taps + tap) * block + c % block) * group_outputs;
        for (int64_t o = 0; o < block; ++o) line[o] = w[(o * inputs + c) * taps + tap];
      }
  };
  step.run = [=, run = to.runner()](const Memory& m) { run(m, static_cast<int>(s.out_blocks), pack_outputs); };
  to.program.add(std::move(step));
  return packed;
}

}  // namespace

void lower_3x3(const Conv& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Shape &from = to.shape(x), &shape = to.shape(y);
  const Convolution3x3 sizes{.in_blocks = from.c() / block,
                             .out_blocks = shape.c() / block,
                             .height = from.h(),
                             .width = from.w(),
                             .rows = shape.h(),
                             .columns = shape.w(),
                             .stride = op.window.stride_w};
  const Buffer weights = pack_3x3(to, node.inputs[1], sizes);
  Step step = to.step(node, "own 3x3");
  const Buffer source = to.read(x, Layout::blocked);
  const Buffer bias = op.bias ? to.read(node.inputs[2]) : Buffer{};
  const Buffer residual = op.add ? to.read(node.inputs.back(), Layout::blocked) : Buffer{};
  const Buffer result = to.write(y, Layout::blocked);
  step.reads = {source, weights};
  for (Buffer more : {bias, residual})
    if (more) step.reads.push_back(more);
  step.writes = {result};
  const TwoWayCut cut = cut_work(sizes, from.n(), step.info.macs);
  const auto task = [=, relu = op.relu, convolve = to.kernels.convolve_3x3](const Memory& memory, int index, int) {
    const ConvolutionFinish finish{.bias = bias ? memory.at<float>(bias) : nullptr,
                                   .residual = residual ? memory.at<float>(residual) : nullptr,
                                   .relu = relu};
    const Range rows = cut.band(index), groups = cut.part(index);
    convolve(sizes, {rows.begin, rows.end, groups.begin, groups.end}, memory.at<float>(source),
             memory.at<float>(weights), memory.at<float>(result), finish);
  };
  step.run = [=, run = to.runner()](const Memory& memory) { run(memory, cut.count(), task); };
  to.program.add(std::move(step));
}

}  // namespace resnet::cpu
