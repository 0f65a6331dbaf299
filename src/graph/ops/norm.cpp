// Batch normalisation (Ioffe & Szegedy 2015), its gradient and its running statistics.
#include "graph/ops/common.hpp"

namespace resnet {
namespace {

std::string describe(float epsilon, bool relu) { return text_of("epsilon ", epsilon, relu ? " +relu" : ""); }

void expect_channels(std::string_view op, Types in, std::size_t first) {
  const Shape channels{in[0].shape.c()};
  for (std::size_t i = first; i < in.size(); ++i)
    expect_shape(op, "gamma, beta, mean and variance", in[i].shape, channels);
}

// x, dy, gamma, beta, mean, var -> dx, dgamma, dbeta
std::vector<ValueType> infer_gradient(std::string_view op, Types in) {
  expect_inputs(op, in, 6);
  expect_shape(op, "dy", in[1].shape, in[0].shape);
  expect_channels(op, in, 2);
  return {in[0], in[2], in[3]};
}

}  // namespace

std::string_view name_of(const BatchNorm&) { return "batch_norm"; }
std::string_view name_of(const BatchNormGrad&) { return "batch_norm_grad"; }
std::string_view name_of(const BatchNormInference&) { return "batch_norm_inference"; }
std::string_view name_of(const BatchNormInferenceGrad&) { return "batch_norm_inference_grad"; }
std::string_view name_of(const UpdateRunning&) { return "update_running"; }

std::string describe(const BatchNorm& op) { return describe(op.epsilon, op.relu); }
std::string describe(const BatchNormGrad& op) { return describe(op.epsilon, op.relu); }
std::string describe(const BatchNormInference& op) { return describe(op.epsilon, op.relu); }
std::string describe(const BatchNormInferenceGrad& op) { return describe(op.epsilon, op.relu); }
std::string describe(const UpdateRunning& op) { return text_of("momentum ", op.momentum); }

std::vector<ValueType> infer(const BatchNorm&, Types in) {
  expect_inputs("batch_norm", in, 3);
  const Shape& x = in[0].shape;
  if (x.rank() != 4 && x.rank() != 2) fail("batch_norm: expects [N,C,H,W] or [N,C], got ", x);
  if (x.elements() == x.c())
    fail("batch_norm: expects more than one value per channel when training, got ", x, "; use a larger batch or image");
  expect_channels("batch_norm", in, 1);
  return {in[0], in[1], in[1]};
}

std::vector<ValueType> infer(const BatchNormGrad&, Types in) { return infer_gradient("batch_norm_grad", in); }

std::vector<ValueType> infer(const BatchNormInference&, Types in) {
  expect_inputs("batch_norm_inference", in, 5);
  expect_channels("batch_norm_inference", in, 1);
  return {in[0]};
}

std::vector<ValueType> infer(const BatchNormInferenceGrad&, Types in) {
  return infer_gradient("batch_norm_inference_grad", in);
}

std::vector<ValueType> infer(const UpdateRunning&, Types in) {
  expect_inputs("update_running", in, 2);
  expect_shape("update_running", "batch statistic", in[1].shape, in[0].shape);
  return {in[0]};
}

Cost cost(const BatchNorm&, Types, Types) { return {}; }
Cost cost(const BatchNormGrad&, Types, Types) { return {}; }
Cost cost(const BatchNormInference&, Types, Types) { return {}; }
Cost cost(const BatchNormInferenceGrad&, Types, Types) { return {}; }
Cost cost(const UpdateRunning&, Types, Types) { return {}; }

namespace {

// `mean` and `var` are outputs of a training batch norm and inputs of an inference one.
void flow_gradient(Op gradient, const Node& node, Value mean, Value var, Gradients& g) {
  const Value x = node.inputs[0], gamma = node.inputs[1], beta = node.inputs[2];
  const std::vector<Value> d =
      g.emit(node, "dx", std::move(gradient), {x, g.of(node.outputs[0]), gamma, beta, mean, var});
  g.flow(x, d[0]);
  g.flow(gamma, d[1]);
  g.flow(beta, d[2]);
}

}  // namespace

void backward(const BatchNorm& op, const Node& node, Gradients& g) {
  flow_gradient(BatchNormGrad{op.epsilon, op.relu}, node, node.outputs[1], node.outputs[2], g);
}
void backward(const BatchNormInference& op, const Node& node, Gradients& g) {
  flow_gradient(BatchNormInferenceGrad{op.epsilon, op.relu}, node, node.inputs[3], node.inputs[4], g);
}
void backward(const BatchNormGrad&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const BatchNormInferenceGrad&, const Node& node, Gradients&) { no_gradient(node); }
void backward(const UpdateRunning&, const Node& node, Gradients&) { no_gradient(node); }

}  // namespace resnet
