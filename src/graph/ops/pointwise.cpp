// Element by element: activations, arithmetic, channel scaling, dropout, casts, constants.
#include "graph/ops/common.hpp"

#include "base/random.hpp"

namespace resnet {

bool dropout_keeps(uint64_t key, uint64_t salt, uint64_t index, float probability) {
  const uint32_t bits = philox(key ^ (salt * 0x9e3779b97f4a7c15u), index / 4)[index % 4];
  return static_cast<double>(bits) >= static_cast<double>(probability) * 0x1p32;
}

namespace {

std::string describe_kind(UnaryKind kind, float a, float b) {
  switch (kind) {
    case UnaryKind::relu: return "relu";
    case UnaryKind::leaky_relu: return text_of("leaky_relu ", a);
    case UnaryKind::clip: return text_of("clip ", a, "..", b);
    case UnaryKind::sigmoid: return "sigmoid";
    case UnaryKind::affine: return text_of("affine ", a, " x + ", b);
  }
  return "";
}

std::string_view name_of_kind(BinaryKind kind) {
  switch (kind) {
    case BinaryKind::add: return "add";
    case BinaryKind::subtract: return "subtract";
    case BinaryKind::multiply: return "multiply";
    case BinaryKind::divide: return "divide";
  }
  return "";
}

std::vector<ValueType> infer_same(std::string_view op, Types in) {
  expect_inputs(op, in, 2);
  expect_shape(op, "the second input", in[1].shape, in[0].shape);
  return {in[0]};
}

}  // namespace

std::string_view name_of(const Unary&) { return "unary"; }
std::string_view name_of(const UnaryGrad&) { return "unary_grad"; }
std::string_view name_of(const Binary&) { return "binary"; }
std::string_view name_of(const ScaleChannels&) { return "scale_channels"; }
std::string_view name_of(const ChannelDot&) { return "channel_dot"; }
std::string_view name_of(const Dropout&) { return "dropout"; }
std::string_view name_of(const Cast&) { return "cast"; }
std::string_view name_of(const StopGradient&) { return "stop_gradient"; }
std::string_view name_of(const Fill&) { return "fill"; }

std::string describe(const Unary& op) { return describe_kind(op.kind, op.a, op.b); }
std::string describe(const UnaryGrad& op) { return describe_kind(op.kind, op.a, op.b); }
std::string describe(const Binary& op) { return std::string(name_of_kind(op.kind)) + (op.relu ? " +relu" : ""); }
std::string describe(const ScaleChannels&) { return ""; }
std::string describe(const ChannelDot&) { return ""; }
std::string describe(const Dropout& op) {
  return text_of(op.probability, op.per_image ? " per image" : "", op.rescale ? "" : " not rescaled");
}
std::string describe(const Cast& op) { return text_of("to ", op.to); }
std::string describe(const StopGradient&) { return ""; }
std::string describe(const Fill& op) { return text_of(op.value); }

std::vector<ValueType> infer(const Unary&, Types in) {
  expect_inputs("unary", in, 1);
  return {in[0]};
}
std::vector<ValueType> infer(const UnaryGrad&, Types in) { return infer_same("unary_grad", in); }
std::vector<ValueType> infer(const Binary& op, Types in) { return infer_same(name_of_kind(op.kind), in); }

std::vector<ValueType> infer(const ScaleChannels&, Types in) {
  expect_inputs("scale_channels", in, 2);
  expect_shape("scale_channels", "scale", in[1].shape, {in[0].shape.n(), in[0].shape.c()});
  return {in[0]};
}

std::vector<ValueType> infer(const ChannelDot&, Types in) {
  infer_same("channel_dot", in);
  return {{{in[0].shape.n(), in[0].shape.c()}, in[0].dtype}};
}

std::vector<ValueType> infer(const Dropout& op, Types in) {
  expect_inputs("dropout", in, 2);
  if (!(op.probability >= 0 && op.probability < 1))
    fail("dropout: probability must be in [0, 1), got ", op.probability);
  if (in[1] != ValueType{{1}, DType::i64}) fail("dropout: key expects [1] i64, got ", in[1].shape, " ", in[1].dtype);
  return {in[0]};
}

std::vector<ValueType> infer(const Cast& op, Types in) {
  expect_inputs("cast", in, 1);
  return {{in[0].shape, op.to}};
}

std::vector<ValueType> infer(const StopGradient&, Types in) {
  expect_inputs("stop_gradient", in, 1);
  return {in[0]};
}

std::vector<ValueType> infer(const Fill& op, Types in) {
  expect_inputs("fill", in, 0);
  return {{op.shape, op.dtype}};
}

Cost cost(const Unary&, Types, Types) { return {}; }
Cost cost(const UnaryGrad&, Types, Types) { return {}; }
Cost cost(const Binary&, Types, Types) { return {}; }
Cost cost(const ScaleChannels&, Types, Types) { return {}; }
Cost cost(const ChannelDot&, Types, Types) { return {}; }
Cost cost(const Dropout&, Types, Types) { return {}; }
Cost cost(const Cast&, Types, Types) { return {}; }
Cost cost(const StopGradient&, Types, Types) { return {}; }
Cost cost(const Fill&, Types, Types) { return {}; }

void backward(const Unary& op, const Node& node, Gradients& g) {
  const Value dy = g.of(node.outputs[0]);
  g.flow(node.inputs[0], g.emit(node, "dx", UnaryGrad{op.kind, op.a, op.b}, {node.outputs[0], dy})[0]);
}

// An addition passes its gradient to both branches: dL/dx = dL/dy (dF/dx + I), He et al. 2016, eq. 5.
void backward(const Binary& op, const Node& node, Gradients& g) {
  const Value a = node.inputs[0], b = node.inputs[1], y = node.outputs[0];
  Value dy = g.of(y);
  if (op.relu) dy = g.emit(node, "drelu", UnaryGrad{.kind = UnaryKind::relu}, {y, dy})[0];
  const auto times = [&](const char* name, BinaryKind kind, Value left, Value right) {
    return g.emit(node, name, Binary{.kind = kind}, {left, right})[0];
  };
  const auto negated = [&](const char* name, Value x) {
    return g.emit(node, name, Unary{.kind = UnaryKind::affine, .a = -1}, {x})[0];
  };
  switch (op.kind) {
    case BinaryKind::add:
      g.flow(a, dy);
      g.flow(b, dy);
      break;
    case BinaryKind::subtract:
      g.flow(a, dy);
      if (g.wants(b)) g.flow(b, negated("db", dy));
      break;
    case BinaryKind::multiply:
      if (g.wants(a)) g.flow(a, times("da", BinaryKind::multiply, dy, b));
      if (g.wants(b)) g.flow(b, times("db", BinaryKind::multiply, dy, a));
      break;
    case BinaryKind::divide: {  // d(a/b) = da / b - (a/b) db / b, with a/b taken before a fused ReLU
      const Value da = times("da", BinaryKind::divide, dy, b);
      g.flow(a, da);
      if (g.wants(b))
        g.flow(b, negated("db", times("db", BinaryKind::multiply, da, times("ratio", BinaryKind::divide, a, b))));
      break;
    }
  }
}

void backward(const ScaleChannels&, const Node& node, Gradients& g) {
  const Value x = node.inputs[0], scale = node.inputs[1], dy = g.of(node.outputs[0]);
  if (g.wants(x)) g.flow(x, g.emit(node, "dx", ScaleChannels{}, {dy, scale})[0]);
  if (g.wants(scale)) g.flow(scale, g.emit(node, "ds", ChannelDot{}, {dy, x})[0]);
}

void backward(const Dropout& op, const Node& node, Gradients& g) {
  g.flow(node.inputs[0], g.emit(node, "dx", op, {g.of(node.outputs[0]), node.inputs[1]})[0]);
}

void backward(const Cast&, const Node& node, Gradients& g) {
  const Value x = node.inputs[0];
  g.flow(x, g.emit(node, "dx", Cast{g.graph()[x].dtype}, {g.of(node.outputs[0])})[0]);
}

void backward(const StopGradient&, const Node&, Gradients&) {}
void backward(const Fill&, const Node&, Gradients&) {}
void backward(const UnaryGrad&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const ChannelDot&, const Node& node, Gradients&) { no_gradient(node); }

}  // namespace resnet
