// Convolution and the gradient of its input on AMX: both are correlations; what differs is which taps meet where, and
// from which side the weights are read.
#include "runtime/cpu/convolution_amx.hpp"

#include "runtime/cpu/absorb.hpp"
#include "runtime/cpu/choice.hpp"

#include <algorithm>
#include <memory>

namespace resnet::cpu {

amx::CorrelationPart CorrelationCut::part(int task) const {
  const int64_t moment = task / parts, even_blocks = (blocks + 1) / 2;
  const Range chunk = part_of((groups + 1) / 2, chunks, moment / bands), band = part_of(lines, bands, moment % bands);
  const Range pairs = part_of(even_blocks, parts, task % parts);
  return {2 * chunk.begin, std::min(2 * chunk.end, groups), band.begin, band.end,
          2 * pairs.begin, std::min(2 * pairs.end, blocks)};
}

CorrelationCut cut_correlation(int64_t groups, int64_t lines, int64_t blocks, int64_t weight_bytes,
                               int64_t x_line_bytes, int kernel, int stride) {
  constexpr int64_t cache = 1 << 20;  // about half of the second cache
  constexpr int64_t enough = 16;      // tasks
  CorrelationCut best{.groups = groups, .lines = lines, .blocks = blocks};
  best.chunks = blocks == 1 ? std::max<int64_t>(groups / 4, 1) : (groups + 1) / 2;
  const int64_t chunk_groups = (groups + best.chunks - 1) / best.chunks, pairs = (blocks + 1) / 2;
  CorrelationCut cut = best;
  double least = -1;
  for (cut.bands = 1; cut.bands <= lines; ++cut.bands)
    for (cut.parts = 1; cut.parts <= pairs; cut.parts *= 2) {
      const int64_t band = (lines + cut.bands - 1) / cut.bands;
      const int64_t x_bytes = ((band - 1) * stride + kernel) * x_line_bytes * chunk_groups;
      const int64_t readings = x_bytes <= cache ? 1 : (pairs + cut.parts - 1) / cut.parts;
      double bytes = static_cast<double>(cut.chunks * cut.bands) *
                     static_cast<double>(weight_bytes + cut.parts * readings * x_bytes);
      if (cut.tasks() < enough) bytes *= static_cast<double>(enough) / cut.tasks();
      if (least < 0 || bytes < least) {
        least = bytes;
        best = cut;
      }
    }
  return best;
}

amx::Strides batch_inner_strides(const Lowering& to, Value value) {
  const Shape& shape = to.shape(value);
  const int64_t pixel = to.channel_pairs(value) * amx::row_bytes;
  return {.line = shape.w() * pixel, .pixel = pixel, .group = shape.h() * shape.w() * pixel};
}

namespace {

/// The weights of a correlation, packed by a step of their own.
struct PackedWeights {
  Buffer buffer;
  int64_t bytes = 0;
};

PackedWeights pack(Lowering& to, const Node& node, Value weights, amx::WeightPacking packing,
                   const std::shared_ptr<const TapPlan>& plan) {
  packing.row_tiles = plan->row_tiles;
  packing.taps = plan->packing.data();
  const int64_t blocks = packing.outputs / 16;
  const int64_t bytes = blocks * packing.kernel_rows * packing.row_tiles * amx::tile_bytes;
  Step step = to.packing(weights, to.read(weights), " packed", "pack", static_cast<std::size_t>(bytes));
  step.info.node = node.name;
  const Buffer from = step.reads[0], buffer = step.writes[0];
  const int tasks = tasks_for(bytes, blocks);
  step.run = [=, run = to.runner()](const Memory& memory) {
    run(memory, tasks, [&](const Memory& m, int task, int) {
      (void)plan;  // holds packing.taps
      const Range range = part_of(blocks, tasks, task);
      amx::pack_weights(packing, m.at<float>(from), m.at<std::byte>(buffer), range.begin, range.end);
    });
  };
  to.program.add(std::move(step));
  return {buffer, bytes};
}

amx::Correlation correlation_of(const Lowering& to, Value x, Value y, const TapPlan& plan, int kernel_rows) {
  const int64_t row = plan.row_tiles * amx::tile_bytes;
  return {.x = batch_inner_strides(to, x),
          .y = batch_inner_strides(to, y),
          .weights_block = kernel_rows * row,
          .weights_row = row,
          .x_bytes = to.shape(x).n() * to.image_bytes(x, Layout::batch_inner),
          .ragged = plan.ragged,
          .width = static_cast<int>(to.shape(y).w()),
          .spans = plan.spans.data(),
          .lines = plan.lines.data(),
          .first_line = plan.first_line.data()};
}

bool is_normalised(const Lowering& to, Value y) {
  return std::ranges::any_of(to.graph.nodes(), [&](const Node& node) {
    return std::holds_alternative<BatchNorm>(node.op) && node.inputs[0] == y;
  });
}

}  // namespace

void lower_on_amx(const Conv& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], w = node.inputs[1], y = node.outputs[0];
  const Shape &from = to.shape(x), &into = to.shape(y);
  const Window& v = op.window;
  const auto plan = std::make_shared<const TapPlan>(
      forward_taps(from.h(), into.h(), v.kernel_h, v.stride_h, v.pad_top),
      forward_taps(from.w(), into.w(), v.kernel_w, v.stride_w, v.pad_left), 2 * to.channel_pairs(x));
  const int64_t area = int64_t{v.kernel_h} * v.kernel_w;
  const PackedWeights weights = pack(to, node, w,
                                     {.output_stride = from.c() * area,
                                      .input_stride = area,
                                      .outputs = into.c(),
                                      .inputs = 2 * to.channel_pairs(x),
                                      .real_inputs = from.c(),
                                      .kernel_rows = v.kernel_h,
                                      .kernel_width = v.kernel_w},
                                     plan);
  const amx::Correlation correlation = correlation_of(to, x, y, *plan, v.kernel_h);
  const CorrelationCut cut = cut_correlation(from.n() / amx::images_in_row, into.h(), into.c() / 16, weights.bytes,
                                             correlation.x.line, v.kernel_h, v.stride_h);
  const Buffer source = to.read(x, Layout::batch_inner);
  const Buffer bias = op.bias ? to.read(node.inputs[2]) : Buffer{};
  const Buffer residual = op.add ? to.read(node.inputs.back(), Layout::batch_inner) : Buffer{};
  const Buffer result = to.write(y, Layout::batch_inner);
  Buffer moments = {};
  if (is_normalised(to, y)) {
    std::vector<double> counts;
    for (int task = 0; task < cut.tasks(); task += static_cast<int>(cut.parts)) {
      const amx::CorrelationPart part = cut.part(task);
      counts.push_back(static_cast<double>((part.group_end - part.group_begin) * amx::images_in_row *
                                           (part.line_end - part.line_begin) * into.w()));
    }
    moments = to.temporary(node, "moments", cut.moments() * into.c() * 2 * 8);
    to.moments.emplace(y, Lowering::Moments{moments, counts});
  }
  Step step = to.step(node, "amx");
  step.reads = {source, weights.buffer};
  if (bias) step.reads.push_back(bias);
  if (residual) step.reads.push_back(residual);
  step.writes = {result};
  if (moments) step.writes.push_back(moments);
  const auto task = [=, relu = op.relu, channels = into.c()](const Memory& memory, int index, int) {
    (void)plan;  // holds what the correlation points to
    const amx::Finish finish{
        .bias = bias ? memory.at<float>(bias) : nullptr,
        .residual = residual ? memory.at<std::byte>(residual) : nullptr,
        .relu = relu,
        .moments = moments ? memory.at<double>(moments) + cut.moment(index) * channels * 2 : nullptr};
    amx::correlate(correlation, cut.part(index), memory.at<std::byte>(source), memory.at<std::byte>(weights.buffer),
                   memory.at<std::byte>(result), finish);
  };
  step.run = [=, run = to.runner()](const Memory& memory) { run(memory, cut.tasks(), task); };
  to.program.add(std::move(step));
}

void lower_on_amx(const ConvGradInput& op, const Node& node, Lowering& to) {
  const Value w = node.inputs[0], dy = node.inputs[1], dx = node.outputs[0];
  const Shape &x_shape = to.shape(dx), &y_shape = to.shape(dy);
  const Window& v = op.window;
  const auto plan = std::make_shared<const TapPlan>(
      backward_taps(x_shape.h(), y_shape.h(), v.kernel_h, v.stride_h, v.pad_top),
      backward_taps(x_shape.w(), y_shape.w(), v.kernel_w, v.stride_w, v.pad_left), y_shape.c());
  const int64_t area = int64_t{v.kernel_h} * v.kernel_w;
  const PackedWeights weights = pack(to, node, w,
                                     {.output_stride = area,
                                      .input_stride = x_shape.c() * area,
                                      .outputs = x_shape.c(),
                                      .inputs = y_shape.c(),
                                      .real_inputs = y_shape.c(),
                                      .kernel_rows = v.kernel_h,
                                      .kernel_width = v.kernel_w},
                                     plan);
  const amx::Correlation correlation = correlation_of(to, dy, dx, *plan, v.kernel_h);
  const int reach = (v.kernel_h + v.stride_h - 1) / v.stride_h;
  const CorrelationCut cut = cut_correlation(x_shape.n() / amx::images_in_row, x_shape.h(), x_shape.c() / 16,
                                             weights.bytes, correlation.x.line / v.stride_h, reach * v.stride_h, 1);
  const Buffer gradient = to.read(dy, Layout::batch_inner);
  const auto [target, residual, mask] = absorb_gradient(dx, Layout::batch_inner, to);
  const Buffer result = to.write(target, Layout::batch_inner);
  std::vector<Buffer> reads = {gradient, weights.buffer};
  for (Buffer also : {residual, mask})
    if (also) reads.push_back(also);
  to.add(node, "amx", reads, {result}, cut.tasks(), [=](const Memory& memory, int task, int) {
    (void)plan;  // holds what the correlation points to
    const amx::Finish finish{.residual = residual ? memory.at<std::byte>(residual) : nullptr,
                             .mask = mask ? memory.at<std::byte>(mask) : nullptr};
    amx::correlate(correlation, cut.part(task), memory.at<std::byte>(gradient), memory.at<std::byte>(weights.buffer),
                   memory.at<std::byte>(result), finish);
  });
}

}  // namespace resnet::cpu
