// The fully connected layer and the gradient of biases.
#include "graph/ops/common.hpp"

#include <utility>

namespace resnet {

std::string_view name_of(const Linear&) { return "linear"; }
std::string_view name_of(const LinearGradInput&) { return "linear_grad_input"; }
std::string_view name_of(const LinearGradWeight&) { return "linear_grad_weight"; }
std::string_view name_of(const SumChannels&) { return "sum_channels"; }

std::string describe(const Linear& op) { return op.bias ? "+bias" : ""; }
std::string describe(const LinearGradInput&) { return ""; }
std::string describe(const LinearGradWeight&) { return ""; }
std::string describe(const SumChannels&) { return ""; }

std::vector<ValueType> infer(const Linear& op, Types in) {
  expect_inputs("linear", in, std::size_t{2} + op.bias);
  const Shape& x = in[0].shape;
  const Shape& w = in[1].shape;
  expect_rank("linear", "x", x, 2);
  expect_rank("linear", "weight", w, 2);
  if (w[1] != x[1]) fail("linear: weight ", w, " expects ", w[1], " features, got ", x);
  if (op.bias) expect_shape("linear", "bias", in[2].shape, {w[0]});
  return {{{x[0], w[0]}, in[0].dtype}};
}

std::vector<ValueType> infer(const LinearGradInput&, Types in) {
  expect_inputs("linear_grad_input", in, 2);
  expect_rank("linear_grad_input", "weight", in[0].shape, 2);
  expect_shape("linear_grad_input", "dy", in[1].shape, {in[1].shape.n(), in[0].shape[0]});
  return {{{in[1].shape[0], in[0].shape[1]}, in[1].dtype}};
}

std::vector<ValueType> infer(const LinearGradWeight&, Types in) {
  expect_inputs("linear_grad_weight", in, 2);
  expect_rank("linear_grad_weight", "x", in[0].shape, 2);
  expect_shape("linear_grad_weight", "dy", in[1].shape, {in[0].shape[0], in[1].shape.c()});
  return {{{in[1].shape[1], in[0].shape[1]}, in[1].dtype}};
}

std::vector<ValueType> infer(const SumChannels&, Types in) {
  expect_inputs("sum_channels", in, 1);
  if (in[0].shape.rank() < 2) fail("sum_channels: expects [N,C,...], got ", in[0].shape);
  return {{{in[0].shape.c()}, DType::f32}};
}

Cost cost(const Linear&, Types in, Types) { return {in[0].shape[0] * in[1].shape.elements()}; }
Cost cost(const LinearGradInput&, Types in, Types) { return {in[1].shape[0] * in[0].shape.elements()}; }
Cost cost(const LinearGradWeight&, Types in, Types out) { return {in[0].shape[0] * out[0].shape.elements()}; }
Cost cost(const SumChannels&, Types, Types) { return {}; }

// y = x w^T + b: dx = dy w, dw = dy^T x, db = sum over the batch of dy.
void backward(const Linear& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0], w = node.inputs[1], dy = g.of(node.outputs[0]);
  if (g.wants(x)) g.flow(x, g.emit(node, "dx", LinearGradInput{}, {w, dy})[0]);
  if (g.wants(w)) g.flow(w, g.emit(node, "dw", LinearGradWeight{}, {x, dy})[0]);
  if (op.bias && g.wants(node.inputs[2])) g.flow(node.inputs[2], g.emit(node, "db", SumChannels{}, {dy})[0]);
}
void backward(const LinearGradInput&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const LinearGradWeight&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const SumChannels&, const Node& node, Gradients&) { no_gradient(node); }

std::string_view name_of(const MatMul&) { return "matmul"; }
std::string describe(const MatMul&) { return ""; }

std::vector<ValueType> infer(const MatMul&, Types in) {
  expect_inputs("matmul", in, 2);
  const Shape &a = in[0].shape, &b = in[1].shape;
  const int rank = a.rank();
  bool fits = rank >= 2 && b.rank() == rank && a[rank - 1] == b[rank - 2];
  for (int axis = 0; fits && axis < rank - 2; ++axis) fits = a[axis] == b[axis];
  if (!fits) fail("matmul: ", a, " and ", b, " cannot be multiplied");
  Shape y = a;
  y[rank - 1] = b[rank - 1];
  return {{y, in[0].dtype}};
}

Cost cost(const MatMul&, Types in, Types out) {
  return {out[0].shape.elements() * in[0].shape[in[0].shape.rank() - 1]};
}

namespace {

/// The last two axes exchanged.
Transpose transposition(const Shape& shape) {
  Shape order = shape;
  for (int axis = 0; axis < shape.rank(); ++axis) order[axis] = axis;
  std::swap(order[shape.rank() - 2], order[shape.rank() - 1]);
  return {order};
}

}  // namespace

// y = a b: da = dy b^T, db = a^T dy.
void backward(const MatMul&, const Node& node, Gradients& g) {
  const Value a = node.inputs[0], b = node.inputs[1], dy = g.of(node.outputs[0]);
  const auto transposed = [&](const char* name, Value x) {
    return g.emit(node, name, transposition(g.graph()[x].shape), {x})[0];
  };
  if (g.wants(a)) g.flow(a, g.emit(node, "da", MatMul{}, {dy, transposed("bT", b)})[0]);
  if (g.wants(b)) g.flow(b, g.emit(node, "db", MatMul{}, {transposed("aT", a), dy})[0]);
}

}  // namespace resnet
