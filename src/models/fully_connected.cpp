// Fully connected networks: the notebook's plain and residual stacks of layers y = relu(W x + b), W drawn with He's
// variance 2 / inputs, b = 0.
#include "base/error.hpp"
#include "models/blocks.hpp"

namespace resnet {
namespace {

Value linear(Builder& net, const std::string& name, Value x, int units) {
  return net.linear(name, x, {.units = units, .init = Init::he_normal_fan_in, .bias_init = Init::zeros});
}

Value layer(Builder& net, const std::string& name, Value x, int units) { return net.relu(linear(net, name, x, units)); }

/// y = F(x) + x with F two layers, and no ReLU after the addition.
Value residual_block(Builder& net, Value x, int units) {
  const Value h = layer(net, "linear2", layer(net, "linear1", x, units), units);
  return net.add(h, x);
}

}  // namespace

Value build_fully_connected(Builder& net, const ModelSpec& spec, Value x) {
  if (net.shape(x).rank() > 2) x = net.flatten(x);
  if (spec.residual()) {
    x = layer(net, "input", x, spec.width);
    const auto scope = net.scope("blocks");
    for (int block = 0; block < spec.depth; ++block) {
      const auto block_scope = net.scope(text_of(block));
      x = residual_block(net, x, spec.width);
    }
  } else {
    if (spec.depth > 1) x = layer(net, "input", x, spec.width);
    const auto scope = net.scope("hidden");
    for (int hidden = 0; hidden < spec.depth - 2; ++hidden) x = layer(net, text_of(hidden), x, spec.width);
  }
  const Value y = linear(net, "output", x, spec.classes);
  return spec.relu_output ? net.relu(y) : y;
}

}  // namespace resnet
