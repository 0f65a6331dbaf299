// Optimizer steps.
#include "graph/ops/common.hpp"

namespace resnet {

std::string_view name_of(const Sgd&) { return "sgd"; }

std::string describe(const Sgd& op) {
  return text_of("momentum ", op.momentum, op.nesterov ? " nesterov" : "", " decay ", op.weight_decay,
                 op.rate_scale == 1 ? "" : text_of(" rate x", op.rate_scale));
}

std::vector<ValueType> infer(const Sgd&, Types in) {
  expect_inputs("sgd", in, 4);
  expect_shape("sgd", "gradient", in[1].shape, in[0].shape);
  expect_shape("sgd", "momentum", in[2].shape, in[0].shape);
  expect_shape("sgd", "rate", in[3].shape, {1});
  return {in[0], in[2]};
}

Cost cost(const Sgd&, Types, Types) { return {}; }
void backward(const Sgd&, const Node& node, Gradients&) { no_gradient(node); }

}  // namespace resnet
