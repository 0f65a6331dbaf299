// Softmax and the cross-entropy loss.
#include "graph/ops/common.hpp"

namespace resnet {
namespace {

void check_targets(std::string_view op, const Shape& logits, const ValueType& targets, float smoothing) {
  expect_rank(op, "logits", logits, 2);
  if (targets.dtype == DType::i32)
    expect_shape(op, "labels", targets.shape, {logits[0]});
  else
    expect_shape(op, "soft targets", targets.shape, logits);
  if (!(smoothing >= 0 && smoothing < 1)) fail(op, ": label smoothing must be in [0, 1), got ", smoothing);
}

}  // namespace

std::string_view name_of(const Softmax&) { return "softmax"; }
std::string_view name_of(const SoftmaxGrad&) { return "softmax_grad"; }
std::string_view name_of(const CrossEntropy&) { return "cross_entropy"; }
std::string_view name_of(const CrossEntropyGrad&) { return "cross_entropy_grad"; }

std::string describe(const Softmax& op) { return op.log ? "log" : ""; }
std::string describe(const SoftmaxGrad& op) { return op.log ? "log" : ""; }
std::string describe(const CrossEntropy& op) { return op.smoothing > 0 ? text_of("smoothing ", op.smoothing) : ""; }
std::string describe(const CrossEntropyGrad& op) { return op.smoothing > 0 ? text_of("smoothing ", op.smoothing) : ""; }

std::vector<ValueType> infer(const Softmax&, Types in) {
  expect_inputs("softmax", in, 1);
  expect_rank("softmax", "x", in[0].shape, 2);
  return {in[0]};
}

std::vector<ValueType> infer(const SoftmaxGrad&, Types in) {
  expect_inputs("softmax_grad", in, 2);
  expect_shape("softmax_grad", "dy", in[1].shape, in[0].shape);
  return {in[0]};
}

std::vector<ValueType> infer(const CrossEntropy& op, Types in) {
  expect_inputs("cross_entropy", in, 2);
  check_targets("cross_entropy", in[0].shape, in[1], op.smoothing);
  return {{{1}, in[0].dtype}, in[0]};
}

std::vector<ValueType> infer(const CrossEntropyGrad& op, Types in) {
  expect_inputs("cross_entropy_grad", in, 3);
  check_targets("cross_entropy_grad", in[0].shape, in[1], op.smoothing);
  expect_shape("cross_entropy_grad", "dloss", in[2].shape, {1});
  return {in[0]};
}

Cost cost(const Softmax&, Types, Types) { return {}; }
Cost cost(const SoftmaxGrad&, Types, Types) { return {}; }
Cost cost(const CrossEntropy&, Types, Types) { return {}; }
Cost cost(const CrossEntropyGrad&, Types, Types) { return {}; }

void backward(const Softmax& op, const Node& node, Gradients& g) {
  g.flow(node.inputs[0], g.emit(node, "dx", SoftmaxGrad{op.log}, {node.outputs[0], g.of(node.outputs[0])})[0]);
}

// dlogits = (probabilities * sum(q) - q) * dloss / N; q sums to 1 for labels, and for soft targets if they do.
void backward(const CrossEntropy& op, const Node& node, Gradients& g) {
  const Value dloss = g.of(node.outputs[0]);
  const std::vector<Value> inputs{node.outputs[1], node.inputs[1], dloss};
  g.flow(node.inputs[0], g.emit(node, "dlogits", CrossEntropyGrad{op.smoothing}, inputs)[0]);
}
void backward(const SoftmaxGrad&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const CrossEntropyGrad&, const Node& node, Gradients&) { no_gradient(node); }

}  // namespace resnet
