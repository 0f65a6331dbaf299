// The gradient of a convolution's weights on AMX. Tasks take lanes of (images, lines) and parts of the input and output
// channels; sums of the lanes are added by a fixed order. Few weights: several lanes; many: parts, so that what a task
// sums up stays in its cache and nothing is added across tasks.
#include "runtime/cpu/convolution_amx.hpp"

#include <algorithm>

namespace resnet::cpu {

namespace {

struct GradientCut {
  amx::WeightGradient part;  // what one task computes
  int64_t inputs = 1, outputs = 1, lanes = 1;

  int64_t parts() const { return inputs * outputs; }
  int tasks() const { return static_cast<int>(parts() * lanes); }
};

constexpr int64_t cache = 1 << 20;  // about half of the second cache
constexpr int64_t enough = 8;       // tasks

GradientCut cut_gradient(amx::WeightGradient whole) {
  GradientCut cut{.part = whole};
  amx::WeightGradient& g = cut.part;
  // Both are rearranged by each task that reads them, so the larger of the two is cut first.
  while (g.sum_bytes() > cache || (g.sum_bytes() > cache / 4 && cut.parts() < enough)) {
    if (g.blocks % 4 == 0 && (g.blocks * 16 >= g.channels || g.channels % 64 != 0)) {
      g.blocks /= 2;
      cut.outputs *= 2;
    } else if (g.channels % 64 == 0) {
      g.channels /= 2;
      cut.inputs *= 2;
    } else {
      break;
    }
  }
  while (g.band < g.out_height) {
    ++g.band;
    if (g.scratch_bytes() > cache * 3 / 4) {
      --g.band;
      break;
    }
  }
  cut.lanes = std::clamp<int64_t>(2 * enough / cut.parts(), 1, g.units());
  return cut;
}

}  // namespace

void lower_on_amx(const ConvGradWeight& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], dy = node.inputs[1], dw = node.outputs[0];
  const Shape &x_shape = to.shape(x), &y_shape = to.shape(dy), &w_shape = to.shape(dw);
  const Window& v = op.window;
  const int64_t channels = 2 * to.channel_pairs(x);
  const GradientCut cut = cut_gradient({.x = batch_inner_strides(to, x),
                                        .dy = batch_inner_strides(to, dy),
                                        .height = x_shape.h(),
                                        .width = x_shape.w(),
                                        .out_height = y_shape.h(),
                                        .out_width = y_shape.w(),
                                        .groups = x_shape.n() / amx::images_in_row,
                                        .channels = channels,
                                        .blocks = y_shape.c() / 16,
                                        .kernel_h = v.kernel_h,
                                        .kernel_w = v.kernel_w,
                                        .stride_h = v.stride_h,
                                        .stride_w = v.stride_w,
                                        .pad_top = v.pad_top,
                                        .pad_left = v.pad_left});
  const amx::WeightGradient& part = cut.part;
  const Buffer source = to.read(x, Layout::batch_inner), gradient = to.read(dy, Layout::batch_inner);
  const Buffer sums = to.temporary(node, "sums", part.sum_bytes() * cut.tasks());
  const Buffer result = to.write(dw);
  to.workers->scratch_bytes = std::max(to.workers->scratch_bytes, static_cast<std::size_t>(part.scratch_bytes()));
  const int64_t sum_floats = part.sum_bytes() / 4;
  const auto lane_task = [=, workers = to.workers](const Memory& memory, int task, int worker) {
    const int64_t lane = task / cut.parts(), input = task % cut.parts() / cut.outputs, output = task % cut.outputs;
    const Range units = part_of(cut.part.units(), cut.lanes, lane);
    std::byte* scratch =
        memory.at<std::byte>(workers->scratch) + static_cast<std::size_t>(worker) * workers->scratch_bytes;
    amx::weight_gradient(cut.part, units.begin, units.end,
                         memory.at<std::byte>(source) + input * cut.part.channels / 2 * amx::row_bytes,
                         memory.at<std::byte>(gradient) + output * cut.part.blocks * 8 * amx::row_bytes,
                         memory.at<float>(sums) + task * sum_floats, scratch);
  };
  const int pieces = tasks_for(w_shape.elements() * cut.lanes, part.blocks * cut.parts());
  const auto add_task = [=, inputs = x_shape.c()](const Memory& memory, int piece, int) {
    const Range range = part_of(cut.part.blocks * cut.parts(), pieces, piece);
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int64_t at = i / cut.part.blocks, block = i % cut.part.blocks;
      const int64_t first_input = at / cut.outputs * cut.part.channels;
      const int64_t first_output = (at % cut.outputs * cut.part.blocks + block) * 16;
      amx::add_gradients(cut.part, memory.at<float>(sums) + at * sum_floats, cut.lanes, cut.parts() * sum_floats, block,
                         memory.at<float>(result), {first_input, first_output, inputs});
    }
  };
  Step step = to.step(node, "amx");
  step.reads = {source, gradient};
  step.writes = {sums, result};
  step.run = [=, run = to.runner()](const Memory& memory) {
    run(memory, cut.tasks(), lane_task);
    run(memory, pieces, add_task);
  };
  to.program.add(std::move(step));
}

}  // namespace resnet::cpu
