// Convolution and its two gradients (as in oneDNN: backward by data, backward by weights).
#include "graph/ops/common.hpp"

namespace resnet {

int64_t window_positions(int64_t input, int kernel, int stride, int pad_before, int pad_after, int dilation,
                         bool ceil_mode) {
  const int64_t span = int64_t{dilation} * (kernel - 1) + 1;
  const int64_t room = input + pad_before + pad_after - span + (ceil_mode ? stride - 1 : 0);
  if (room < 0) return 0;
  int64_t positions = room / stride + 1;
  if (ceil_mode && (positions - 1) * stride >= input + pad_before) --positions;
  return positions;
}

namespace {

std::string describe(const Window& window, int groups) {
  const Window& v = window;
  std::string text = text_of(v.kernel_h, "x", v.kernel_w);
  if (v.stride_h != 1 || v.stride_w != 1)
    text += v.stride_h == v.stride_w ? text_of(" /", v.stride_h) : text_of(" /", v.stride_h, "x", v.stride_w);
  if (v.pad_top || v.pad_left || v.pad_bottom || v.pad_right) {
    const bool even = v.pad_top == v.pad_left && v.pad_top == v.pad_bottom && v.pad_top == v.pad_right;
    text += even ? text_of(" pad ", v.pad_top)
                 : text_of(" pad ", v.pad_top, ",", v.pad_left, ",", v.pad_bottom, ",", v.pad_right);
  }
  if (v.dilation_h != 1 || v.dilation_w != 1) text += text_of(" dilation ", v.dilation_h, "x", v.dilation_w);
  if (groups != 1) text += text_of(" groups ", groups);
  return text;
}

void check(const Window& v, int groups) {
  if (v.kernel_h < 1 || v.kernel_w < 1 || v.stride_h < 1 || v.stride_w < 1 || v.dilation_h < 1 || v.dilation_w < 1 ||
      v.pad_top < 0 || v.pad_left < 0 || v.pad_bottom < 0 || v.pad_right < 0 || groups < 1)
    fail("conv: kernel, stride, dilation and groups must be at least 1 and padding at least 0, got ",
         describe(v, groups));
}

Shape output_shape(const Window& v, int groups, const Shape& x, const Shape& w) {
  expect_rank("conv", "x", x, 4);
  expect_rank("conv", "weight", w, 4);
  check(v, groups);
  if (x.c() % groups || w[0] % groups)
    fail("conv: ", x.c(), " input and ", w[0], " output channels do not divide into ", groups, " groups");
  if (w[1] != x.c() / groups) fail("conv: weight ", w, " expects ", w[1] * groups, " input channels, got ", x);
  if (w[2] != v.kernel_h || w[3] != v.kernel_w)
    fail("conv: weight ", w, " is not of kernel ", v.kernel_h, "x", v.kernel_w);
  const int64_t h = window_positions(x.h(), v.kernel_h, v.stride_h, v.pad_top, v.pad_bottom, v.dilation_h);
  const int64_t width = window_positions(x.w(), v.kernel_w, v.stride_w, v.pad_left, v.pad_right, v.dilation_w);
  if (h < 1 || width < 1) fail("conv: a window of ", describe(v, groups), " does not fit into ", x);
  return {x.n(), w[0], h, width};
}

}  // namespace

std::string_view name_of(const Conv&) { return "conv"; }
std::string_view name_of(const ConvGradInput&) { return "conv_grad_input"; }
std::string_view name_of(const ConvGradWeight&) { return "conv_grad_weight"; }

std::string describe(const Conv& op) {
  return describe(op.window, op.groups) + (op.bias ? " +bias" : "") + (op.add ? " +add" : "") +
         (op.relu ? " +relu" : "");
}
std::string describe(const ConvGradInput& op) { return describe(op.window, op.groups); }
std::string describe(const ConvGradWeight& op) { return describe(op.window, op.groups); }

std::vector<ValueType> infer(const Conv& op, Types in) {
  expect_inputs("conv", in, std::size_t{2} + op.bias + op.add);
  const Shape y = output_shape(op.window, op.groups, in[0].shape, in[1].shape);
  if (op.bias) expect_shape("conv", "bias", in[2].shape, {y.c()});
  if (op.add) expect_shape("conv", "residual", in.back().shape, y);
  return {{y, in[0].dtype}};
}

std::vector<ValueType> infer(const ConvGradInput& op, Types in) {
  expect_inputs("conv_grad_input", in, 2);
  const Shape y = output_shape(op.window, op.groups, op.input, in[0].shape);
  expect_shape("conv_grad_input", "dy", in[1].shape, y);
  return {{op.input, in[1].dtype}};
}

std::vector<ValueType> infer(const ConvGradWeight& op, Types in) {
  expect_inputs("conv_grad_weight", in, 2);
  const Shape& x = in[0].shape;
  const Shape& dy = in[1].shape;
  check(op.window, op.groups);
  const Shape w{dy.c(), x.c() / op.groups, op.window.kernel_h, op.window.kernel_w};
  expect_shape("conv_grad_weight", "dy", dy, output_shape(op.window, op.groups, x, w));
  return {{w, DType::f32}};
}

namespace {

// Every weight meets every output position once: O * C/groups * kh * kw * oh * ow, padding taps included.
int64_t conv_macs(const Shape& w, const Shape& y) { return w.elements() * y.n() * y.h() * y.w(); }

}  // namespace

Cost cost(const Conv&, Types in, Types out) { return {conv_macs(in[1].shape, out[0].shape)}; }
Cost cost(const ConvGradInput&, Types in, Types) { return {conv_macs(in[0].shape, in[1].shape)}; }
Cost cost(const ConvGradWeight&, Types in, Types out) { return {conv_macs(out[0].shape, in[1].shape)}; }

// dL/dx = dy convolved with the flipped kernel, dL/dw = correlation of x and dy, dL/db = sum of dy.
// dx comes first, so that an update of w in place can follow dw at once.
void backward(const Conv& op, const Node& node, Gradients& g) {
  Value dy = g.of(node.outputs[0]);
  if (op.relu) dy = g.emit(node, "drelu", UnaryGrad{.kind = UnaryKind::relu}, {node.outputs[0], dy})[0];
  const Value x = node.inputs[0], w = node.inputs[1];
  if (op.add) g.flow(node.inputs.back(), dy);
  if (g.wants(x)) g.flow(x, g.emit(node, "dx", ConvGradInput{op.window, op.groups, g.graph()[x].shape}, {w, dy})[0]);
  if (g.wants(w)) g.flow(w, g.emit(node, "dw", ConvGradWeight{op.window, op.groups}, {x, dy})[0]);
  if (op.bias && g.wants(node.inputs[2])) g.flow(node.inputs[2], g.emit(node, "db", SumChannels{}, {dy})[0]);
}
void backward(const ConvGradInput&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const ConvGradWeight&, const Node& node, Gradients&) { no_gradient(node); }

}  // namespace resnet
