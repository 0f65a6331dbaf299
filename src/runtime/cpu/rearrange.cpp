// Transposition, repetition, sums, slices and padding over any axes, on row-major values. Imported networks have few of
// them, so they are written for clearness; each task computes its own part of the output.
#include "runtime/cpu/lowering.hpp"
#include "runtime/strides.hpp"

#include <algorithm>

namespace resnet::cpu {

namespace {

/// y[element] = x[position]
void lower_gather(const Node& node, Lowering& to, const Walk& walk) {
  const Buffer x = to.read(node.inputs[0]), y = to.write(node.outputs[0]);
  const int64_t count = walk.shape.elements();
  const int tasks = tasks_for(count * 4, count);
  to.add(node, "own", {x}, {y}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(count, tasks, task);
    const float* from = memory.at<float>(x);
    float* out = memory.at<float>(y);
    walk.each(range.begin, range.end, [&](int64_t element, int64_t position) { out[element] = from[position]; });
  });
}

}  // namespace

void lower(const Transpose& op, const Node& node, Lowering& to) {
  lower_gather(node, to, transposed_walk(to.shape(node.inputs[0]), to.shape(node.outputs[0]), op.order));
}

void lower(const Broadcast& op, const Node& node, Lowering& to) {
  lower_gather(node, to, repeated_walk(to.shape(node.inputs[0]), op.shape));
}

void lower(const StridedSlice& op, const Node& node, Lowering& to) {
  lower_gather(node, to, strided_walk(op.shape, to.shape(node.inputs[0]), op.begin, op.step));
}

void lower(const Pad& op, const Node& node, Lowering& to) {
  const Buffer x = to.read(node.inputs[0]), y = to.write(node.outputs[0]);
  const Walk walk = strided_walk(to.shape(node.inputs[0]), op.shape, op.begin, op.step);
  const int64_t count = walk.shape.elements(), whole = op.shape.elements();
  to.add(node, "own", {x}, {y}, 1, [=](const Memory& memory, int, int) {
    const float* from = memory.at<float>(x);
    float* out = memory.at<float>(y);
    std::fill_n(out, whole, static_cast<float>(op.value));
    walk.each(0, count, [&](int64_t element, int64_t position) { out[position] = from[element]; });
  });
}

// Sums in double; each task owns some outputs and walks over what belongs to them.
void lower(const Reduce& op, const Node& node, Lowering& to) {
  const Shape x_shape = to.shape(node.inputs[0]);
  Walk outputs{op.shape, 0, strides_of(x_shape)}, inside{x_shape, 0, strides_of(x_shape)};
  for (int axis = 0; axis < x_shape.rank(); ++axis)
    if (op.shape[axis] != 1) inside.shape[axis] = 1;
  const Buffer x = to.read(node.inputs[0]), y = to.write(node.outputs[0]);
  const int64_t count = op.shape.elements(), terms = inside.shape.elements();
  const double factor = op.mean ? 1 / static_cast<double>(terms) : 1;
  const int tasks = tasks_for(x_shape.elements() * 2, count);
  to.add(node, "own", {x}, {y}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(count, tasks, task);
    const float* from = memory.at<float>(x);
    float* out = memory.at<float>(y);
    outputs.each(range.begin, range.end, [&](int64_t element, int64_t start) {
      double sum = 0;
      inside.each(0, terms, [&](int64_t, int64_t position) { sum += double{from[start + position]}; });
      out[element] = static_cast<float>(sum * factor);
    });
  });
}

}  // namespace resnet::cpu
