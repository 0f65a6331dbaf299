// Ops over any axes, which imported networks need: transposition, repetition, sums, slices and padding. StridedSlice
// and Pad are each other's gradients, as are Broadcast and Reduce.
#include "graph/ops/common.hpp"

namespace resnet {
namespace {

std::string listed(const Shape& numbers) {
  std::string text;
  for (const int64_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

Shape inverse(const Shape& order) {
  Shape result = order;
  for (int axis = 0; axis < order.rank(); ++axis) result[static_cast<int>(order[axis])] = axis;
  return result;
}

/// Whether small becomes large by repeating it along axes of extent 1.
void expect_repeated(std::string_view op, const Shape& small, const Shape& large) {
  bool fits = small.rank() == large.rank();
  for (int axis = 0; fits && axis < small.rank(); ++axis) fits = small[axis] == large[axis] || small[axis] == 1;
  if (!fits) fail(op, ": ", small, " cannot be repeated to ", large);
}

/// begin + i * step lies in `large` for every i of `small`.
void expect_within(std::string_view op, const Shape& begin, const Shape& step, const Shape& small, const Shape& large) {
  const int rank = large.rank();
  if (begin.rank() != rank || step.rank() != rank || small.rank() != rank)
    fail(op, ": begin, step and shape must have ", rank, " numbers each, got ", begin.rank(), ", ", step.rank(), ", ",
         small.rank());
  for (int axis = 0; axis < rank; ++axis) {
    const int64_t last = begin[axis] + (small[axis] - 1) * step[axis];
    if (small[axis] < 1 || step[axis] == 0 || begin[axis] < 0 || begin[axis] >= large[axis] || last < 0 ||
        last >= large[axis])
      fail(op, ": ", small[axis], " elements from ", begin[axis], " by ", step[axis], " are not within axis ", axis,
           " of ", large);
  }
}

}  // namespace

std::string_view name_of(const Transpose&) { return "transpose"; }
std::string_view name_of(const Broadcast&) { return "broadcast"; }
std::string_view name_of(const Reduce&) { return "reduce"; }
std::string_view name_of(const StridedSlice&) { return "strided_slice"; }
std::string_view name_of(const Pad&) { return "pad"; }

std::string describe(const Transpose& op) { return listed(op.order); }
std::string describe(const Broadcast& op) { return to_string(op.shape); }
std::string describe(const Reduce& op) { return text_of(op.mean ? "mean to " : "sum to ", op.shape); }
std::string describe(const StridedSlice& op) { return text_of("from ", listed(op.begin), " by ", listed(op.step)); }
std::string describe(const Pad& op) { return text_of("at ", listed(op.begin), " of ", op.shape); }

std::vector<ValueType> infer(const Transpose& op, Types in) {
  expect_inputs("transpose", in, 1);
  const Shape& x = in[0].shape;
  Shape y = x;
  int seen = 0;
  if (op.order.rank() != x.rank()) fail("transpose: an order of ", op.order.rank(), " axes for ", x);
  for (int axis = 0; axis < x.rank(); ++axis) {
    const int64_t from = op.order[axis];
    if (from < 0 || from >= x.rank() || (seen >> from & 1))
      fail("transpose: ", listed(op.order), " is no order of axes");
    seen |= 1 << from;
    y[axis] = x[static_cast<int>(from)];
  }
  return {{y, in[0].dtype}};
}

std::vector<ValueType> infer(const Broadcast& op, Types in) {
  expect_inputs("broadcast", in, 1);
  expect_repeated("broadcast", in[0].shape, op.shape);
  return {{op.shape, in[0].dtype}};
}

std::vector<ValueType> infer(const Reduce& op, Types in) {
  expect_inputs("reduce", in, 1);
  expect_repeated("reduce", op.shape, in[0].shape);
  return {{op.shape, in[0].dtype}};
}

std::vector<ValueType> infer(const StridedSlice& op, Types in) {
  expect_inputs("strided_slice", in, 1);
  expect_within("strided_slice", op.begin, op.step, op.shape, in[0].shape);
  return {{op.shape, in[0].dtype}};
}

std::vector<ValueType> infer(const Pad& op, Types in) {
  expect_inputs("pad", in, 1);
  expect_within("pad", op.begin, op.step, in[0].shape, op.shape);
  return {{op.shape, in[0].dtype}};
}

Cost cost(const Transpose&, Types, Types) { return {}; }
Cost cost(const Broadcast&, Types, Types) { return {}; }
Cost cost(const Reduce&, Types, Types) { return {}; }
Cost cost(const StridedSlice&, Types, Types) { return {}; }
Cost cost(const Pad&, Types, Types) { return {}; }

void backward(const Transpose& op, const Node& node, Gradients& g) {
  g.flow(node.inputs[0], g.emit(node, "dx", Transpose{inverse(op.order)}, {g.of(node.outputs[0])})[0]);
}

void backward(const Broadcast&, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x, g.emit(node, "dx", Reduce{.shape = g.graph()[x].shape}, {g.of(node.outputs[0])})[0]);
}

void backward(const Reduce& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  const Shape shape = g.graph()[x].shape;
  Value dx = g.emit(node, "dx", Broadcast{shape}, {g.of(node.outputs[0])})[0];
  const float part = static_cast<float>(op.shape.elements()) / static_cast<float>(shape.elements());
  if (op.mean) dx = g.emit(node, "dx_mean", Unary{.kind = UnaryKind::affine, .a = part}, {dx})[0];
  g.flow(x, dx);
}

void backward(const StridedSlice& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  const Pad spread{.begin = op.begin, .step = op.step, .shape = g.graph()[x].shape};
  g.flow(x, g.emit(node, "dx", spread, {g.of(node.outputs[0])})[0]);
}

void backward(const Pad& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  const StridedSlice taken{.begin = op.begin, .step = op.step, .shape = g.graph()[x].shape};
  g.flow(x, g.emit(node, "dx", taken, {g.of(node.outputs[0])})[0]);
}

}  // namespace resnet
