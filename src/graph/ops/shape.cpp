// Ops that move elements without computing: reshape, concatenation, slices, the option A shortcut.
#include "graph/ops/common.hpp"

namespace resnet {
namespace {

// The shape with another number of channels.
Shape with_channels(Shape shape, int64_t channels) {
  shape[1] = channels;
  return shape;
}

Shape subsampled(const Shape& x, int stride) {
  return {x.n(), x.c(), (x.h() + stride - 1) / stride, (x.w() + stride - 1) / stride};
}

}  // namespace

std::string_view name_of(const Reshape&) { return "reshape"; }
std::string_view name_of(const Concat&) { return "concat"; }
std::string_view name_of(const Slice&) { return "slice"; }
std::string_view name_of(const SliceGrad&) { return "slice_grad"; }
std::string_view name_of(const Subsample&) { return "subsample"; }
std::string_view name_of(const SubsampleGrad&) { return "subsample_grad"; }

std::string describe(const Reshape& op) { return to_string(op.shape); }
std::string describe(const Concat&) { return ""; }
std::string describe(const Slice& op) { return text_of(op.begin, "..", op.end); }
std::string describe(const SliceGrad& op) { return text_of("at ", op.begin, " of ", op.channels); }
std::string describe(const Subsample& op) { return text_of("/", op.stride, " zeros ", op.before, "+", op.after); }
std::string describe(const SubsampleGrad& op) { return text_of("/", op.stride); }

std::vector<ValueType> infer(const Reshape& op, Types in) {
  expect_inputs("reshape", in, 1);
  if (op.shape.elements() != in[0].shape.elements())
    fail("reshape: ", op.shape, " has ", op.shape.elements(), " elements, got ", in[0].shape);
  return {{op.shape, in[0].dtype}};
}

std::vector<ValueType> infer(const Concat&, Types in) {
  if (in.empty()) fail("concat: expects at least one input");
  int64_t channels = 0;
  for (const ValueType& part : in) {
    if (part.shape.rank() < 2) fail("concat: expects channels, got ", part.shape);
    expect_shape("concat", "all but the channels", with_channels(part.shape, 0), with_channels(in[0].shape, 0));
    channels += part.shape.c();
  }
  return {{with_channels(in[0].shape, channels), in[0].dtype}};
}

std::vector<ValueType> infer(const Slice& op, Types in) {
  expect_inputs("slice", in, 1);
  if (op.begin < 0 || op.end <= op.begin || op.end > in[0].shape.c())
    fail("slice: channels ", op.begin, "..", op.end, " are not within ", in[0].shape);
  return {{with_channels(in[0].shape, op.end - op.begin), in[0].dtype}};
}

std::vector<ValueType> infer(const SliceGrad& op, Types in) {
  expect_inputs("slice_grad", in, 1);
  if (op.begin < 0 || op.begin + in[0].shape.c() > op.channels)
    fail("slice_grad: ", in[0].shape, " at ", op.begin, " does not fit into ", op.channels, " channels");
  return {{with_channels(in[0].shape, op.channels), in[0].dtype}};
}

std::vector<ValueType> infer(const Subsample& op, Types in) {
  expect_inputs("subsample", in, 1);
  expect_rank("subsample", "x", in[0].shape, 4);
  if (op.stride < 1 || op.before < 0 || op.after < 0)
    fail("subsample: stride must be at least 1 and zero channels at least 0, got ", describe(op));
  const Shape y = subsampled(in[0].shape, op.stride);
  return {{with_channels(y, y.c() + op.before + op.after), in[0].dtype}};
}

std::vector<ValueType> infer(const SubsampleGrad& op, Types in) {
  expect_inputs("subsample_grad", in, 1);
  const Shape kept = subsampled(op.input, op.stride);
  if (op.before + kept.c() > in[0].shape.c())
    fail("subsample_grad: dy ", in[0].shape, " has too few channels for ", kept);
  expect_shape("subsample_grad", "dy", in[0].shape, with_channels(kept, in[0].shape.c()));
  return {{op.input, in[0].dtype}};
}

Cost cost(const Reshape&, Types, Types) { return {}; }
Cost cost(const Concat&, Types, Types) { return {}; }
Cost cost(const Slice&, Types, Types) { return {}; }
Cost cost(const SliceGrad&, Types, Types) { return {}; }
Cost cost(const Subsample&, Types, Types) { return {}; }
Cost cost(const SubsampleGrad&, Types, Types) { return {}; }

void backward(const Reshape&, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x, g.emit(node, "dx", Reshape{g.graph()[x].shape}, {g.of(node.outputs[0])})[0]);
}

void backward(const Concat&, const Node& node, Gradients& g) {
  int64_t begin = 0;
  for (std::size_t part = 0; part < node.inputs.size(); ++part) {
    const Value x = node.inputs[part];
    const int64_t end = begin + g.graph()[x].shape.c();
    if (g.wants(x)) g.flow(x, g.emit(node, "dx" + std::to_string(part), Slice{begin, end}, {g.of(node.outputs[0])})[0]);
    begin = end;
  }
}

void backward(const Slice& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x, g.emit(node, "dx", SliceGrad{op.begin, g.graph()[x].shape.c()}, {g.of(node.outputs[0])})[0]);
}

void backward(const SliceGrad& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x, g.emit(node, "dx", Slice{op.begin, op.begin + g.graph()[x].shape.c()}, {g.of(node.outputs[0])})[0]);
}

void backward(const Subsample& op, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x, g.emit(node, "dx", SubsampleGrad{op.stride, op.before, g.graph()[x].shape}, {g.of(node.outputs[0])})[0]);
}

void backward(const SubsampleGrad&, const Node& node, Gradients&) { no_gradient(node); }

}  // namespace resnet
