// Pooling over windows and over whole images.
#include "graph/ops/common.hpp"

namespace resnet {
namespace {

std::string describe(const Window& v, bool ceil_mode) {
  return text_of(v.kernel_h, "x", v.kernel_w, " /", v.stride_h, " pad ", v.pad_top,
                 v.dilation_h > 1 ? text_of(" dilation ", v.dilation_h) : "", ceil_mode ? " ceil" : "");
}

/// Whether each window takes a pixel: with a dilation all of its taps may lie in the padding.
bool meets_all(int64_t positions, int64_t input, int kernel, int stride, int pad, int dilation) {
  for (int64_t at = 0; at < positions; ++at) {
    bool any = false;
    for (int64_t tap = 0; tap < kernel && !any; ++tap) {
      const int64_t place = at * stride - pad + tap * dilation;
      any = place >= 0 && place < input;
    }
    if (!any) return false;
  }
  return true;
}

Shape pooled(std::string_view op, const Window& v, bool ceil_mode, const Shape& x) {
  expect_rank(op, "x", x, 4);
  if (v.kernel_h < 1 || v.kernel_w < 1 || v.stride_h < 1 || v.stride_w < 1 || v.dilation_h < 1 || v.dilation_w < 1)
    fail(op, ": kernel, stride and dilation must be at least 1, got ", describe(v, ceil_mode));
  if (v.pad_top >= v.kernel_h || v.pad_left >= v.kernel_w || v.pad_bottom >= v.kernel_h || v.pad_right >= v.kernel_w ||
      v.pad_top < 0 || v.pad_left < 0 || v.pad_bottom < 0 || v.pad_right < 0)
    fail(op, ": padding must be at least 0 and smaller than the kernel, got ", describe(v, ceil_mode));
  const int64_t h = window_positions(x.h(), v.kernel_h, v.stride_h, v.pad_top, v.pad_bottom, v.dilation_h, ceil_mode);
  const int64_t w = window_positions(x.w(), v.kernel_w, v.stride_w, v.pad_left, v.pad_right, v.dilation_w, ceil_mode);
  if (h < 1 || w < 1) fail(op, ": a window of ", describe(v, ceil_mode), " does not fit into ", x);
  if (!meets_all(h, x.h(), v.kernel_h, v.stride_h, v.pad_top, v.dilation_h) ||
      !meets_all(w, x.w(), v.kernel_w, v.stride_w, v.pad_left, v.dilation_w))
    fail(op, ": a window of ", describe(v, ceil_mode), " would see nothing but padding of ", x);
  return {x.n(), x.c(), h, w};
}

// dy may come from a floor or a ceil pooling of x.
void expect_pooled(std::string_view op, const Window& window, const Shape& x, const Shape& dy) {
  if (!(dy == pooled(op, window, true, x)) && !(dy == pooled(op, window, false, x)))
    fail(op, ": dy ", dy, " is not a pooling of ", x);
}

}  // namespace

std::string_view name_of(const MaxPool&) { return "max_pool"; }
std::string_view name_of(const MaxPoolGrad&) { return "max_pool_grad"; }
std::string_view name_of(const AveragePool&) { return "average_pool"; }
std::string_view name_of(const AveragePoolGrad&) { return "average_pool_grad"; }
std::string_view name_of(const GlobalAveragePool&) { return "global_average_pool"; }
std::string_view name_of(const GlobalAveragePoolGrad&) { return "global_average_pool_grad"; }

std::string describe(const MaxPool& op) { return describe(op.window, op.ceil_mode); }
std::string describe(const MaxPoolGrad& op) { return describe(op.window, false); }
std::string describe(const AveragePool& op) {
  return describe(op.window, op.ceil_mode) + (op.count_include_pad ? "" : " without padding");
}
std::string describe(const AveragePoolGrad& op) { return describe(op.window, false); }
std::string describe(const GlobalAveragePool&) { return ""; }
std::string describe(const GlobalAveragePoolGrad&) { return ""; }

std::vector<ValueType> infer(const MaxPool& op, Types in) {
  expect_inputs("max_pool", in, 1);
  const Shape y = pooled("max_pool", op.window, op.ceil_mode, in[0].shape);
  return {{y, in[0].dtype}, {y, DType::i32}};
}

std::vector<ValueType> infer(const MaxPoolGrad& op, Types in) {
  expect_inputs("max_pool_grad", in, 2);
  expect_shape("max_pool_grad", "dy", in[1].shape, in[0].shape);
  expect_pooled("max_pool_grad", op.window, op.input, in[1].shape);
  return {{op.input, in[1].dtype}};
}

std::vector<ValueType> infer(const AveragePool& op, Types in) {
  expect_inputs("average_pool", in, 1);
  return {{pooled("average_pool", op.window, op.ceil_mode, in[0].shape), in[0].dtype}};
}

std::vector<ValueType> infer(const AveragePoolGrad& op, Types in) {
  expect_inputs("average_pool_grad", in, 1);
  expect_pooled("average_pool_grad", op.window, op.input, in[0].shape);
  return {{op.input, in[0].dtype}};
}

std::vector<ValueType> infer(const GlobalAveragePool&, Types in) {
  expect_inputs("global_average_pool", in, 1);
  expect_rank("global_average_pool", "x", in[0].shape, 4);
  return {{{in[0].shape.n(), in[0].shape.c(), 1, 1}, in[0].dtype}};
}

std::vector<ValueType> infer(const GlobalAveragePoolGrad& op, Types in) {
  expect_inputs("global_average_pool_grad", in, 1);
  expect_shape("global_average_pool_grad", "dy", in[0].shape, {op.input.n(), op.input.c(), 1, 1});
  return {{op.input, in[0].dtype}};
}

Cost cost(const MaxPool&, Types, Types) { return {}; }
Cost cost(const MaxPoolGrad&, Types, Types) { return {}; }
Cost cost(const AveragePool&, Types, Types) { return {}; }
Cost cost(const AveragePoolGrad&, Types, Types) { return {}; }
Cost cost(const GlobalAveragePool&, Types, Types) { return {}; }
Cost cost(const GlobalAveragePoolGrad&, Types, Types) { return {}; }

void backward(const MaxPool& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x,
         g.emit(node, "dx", MaxPoolGrad{op.window, g.graph()[x].shape}, {node.outputs[1], g.of(node.outputs[0])})[0]);
}

void backward(const AveragePool& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  const AveragePoolGrad gradient{op.window, op.count_include_pad, g.graph()[x].shape};
  g.flow(x, g.emit(node, "dx", gradient, {g.of(node.outputs[0])})[0]);
}

void backward(const GlobalAveragePool&, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x, g.emit(node, "dx", GlobalAveragePoolGrad{g.graph()[x].shape}, {g.of(node.outputs[0])})[0]);
}

void backward(const MaxPoolGrad&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const AveragePoolGrad&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const GlobalAveragePoolGrad&, const Node& node, Gradients&) { no_gradient(node); }

}  // namespace resnet
