// Groups that are narrower than a block of channels. oneDNN has fast kernels only for groups of whole blocks, so
// several narrow groups are computed as one, whose weights between different groups are zero. ResNeXt-50 32x4d spends
// 5% of its multiply-adds in such groups; computing four times as many there is cheaper than leaving the blocked layout
// for them.
#include "runtime/cpu/convolution.hpp"

#include <cstring>

namespace resnet::cpu {
namespace {

/// Weights [O, I/groups, kh, kw] and their place in [O, merged I/groups, kh, kw].
struct Widening {
  int64_t out_channels = 0, outputs_per_group = 0, merged = 1;
  int64_t row = 0;  // weights of one output in its own group

  int64_t wide_row() const { return row * merged; }
  int64_t offset(int64_t output) const { return output * wide_row() + output / outputs_per_group % merged * row; }
};

Widening widening_of(const Shape& weights, const Grouping& grouping) {
  return {.out_channels = weights[0],
          .outputs_per_group = weights[0] / grouping.groups,
          .merged = grouping.merged,
          .row = weights.elements() / weights[0]};
}

std::size_t floats(int64_t count) { return static_cast<std::size_t>(count) * sizeof(float); }

}  // namespace

Grouping choose_grouping(const Lowering& to, const Shape& x, const Shape& y, int groups) {
  const int64_t inputs = x.c() / groups, outputs = y.c() / groups;
  // Depthwise convolutions have kernels of their own.
  if (groups == 1 || (inputs == 1 && outputs == 1) || to.block() % inputs != 0) return {groups, 1};
  const int64_t merged = to.block() / inputs;
  if (groups % merged != 0 || outputs * merged % to.block() != 0) return {groups, 1};
  return {groups, static_cast<int>(merged)};
}

Buffer widened_weights(Lowering& to, Value weights, const Grouping& grouping) {
  const auto known = to.widened.find(weights);
  if (known != to.widened.end()) return known->second;
  const Widening w = widening_of(to.shape(weights), grouping);
  const std::size_t bytes = floats(w.out_channels * w.wide_row());
  Step step = to.packing(weights, to.read(weights), " widened", "widen groups", bytes);
  const Buffer from = step.reads[0], wide = step.writes[0];
  step.run = [=](const Memory& memory) {
    float* out = memory.at<float>(wide);
    std::memset(out, 0, bytes);
    for (int64_t o = 0; o < w.out_channels; ++o)
      std::memcpy(out + w.offset(o), memory.at<float>(from) + o * w.row, floats(w.row));
  };
  to.program.add(std::move(step));
  return to.widened.emplace(weights, wide).first->second;
}

void narrow_weights(const Shape& weights, const Grouping& grouping, const float* wide, float* narrow) {
  const Widening w = widening_of(weights, grouping);
  for (int64_t o = 0; o < w.out_channels; ++o) std::memcpy(narrow + o * w.row, wide + w.offset(o), floats(w.row));
}

}  // namespace resnet::cpu
