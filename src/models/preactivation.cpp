// Blocks of pre-activation networks: He et al. 2016, "Identity mappings in deep residual networks", and Wide ResNets
// (Zagoruyko & Komodakis 2016), which are made of the basic ones.
#include "models/blocks.hpp"

namespace resnet {
namespace {

Init last_convolution(const ModelSpec& spec) { return spec.zero_gamma ? Init::zeros : Init::he_normal_fan_out; }

/// x: the block's input after batch norm and ReLU.
Value basic_branch(Builder& net, const BlockPlan& block, Value x) {
  Value h = net.relu(net.batch_norm("norm2", conv3x3(net, "conv1", x, block.width, block.stride)));
  if (block.spec.dropout > 0) h = net.dropout(h, {.probability = static_cast<float>(block.spec.dropout)});
  return net.conv("conv2", h,
                  {.channels = block.width, .kernel = 3, .padding = 1, .init = last_convolution(block.spec)});
}

Value bottleneck_branch(Builder& net, const BlockPlan& block, Value x) {
  const ModelSpec& spec = block.spec;
  const bool early = spec.stride_at == StrideAt::conv1x1;
  const int inner = inner_channels(spec, block.width);
  Value h = net.relu(net.batch_norm("norm2", conv1x1(net, "conv1", x, inner, early ? block.stride : 1)));
  h = conv3x3(net, "conv2", h, inner, early ? 1 : block.stride, spec.groups);
  h = net.relu(net.batch_norm("norm3", h));
  return net.conv("conv3", h, {.channels = output_channels(spec.block, block.width), .init = last_convolution(spec)});
}

/// From the block's input, or at the start of a stage from what both paths share. Projections have no batch norm.
Value shortcut(Builder& net, const BlockPlan& block, Value x, int64_t channels) {
  const ModelSpec& spec = block.spec;
  const bool fits = block.stride == 1 && net.shape(x).c() == channels;
  if (spec.shortcut == Shortcut::option_a || (spec.shortcut == Shortcut::option_b && fits))
    return zero_padded(net, spec, x, channels, block.stride);
  const int outputs = static_cast<int>(channels);
  if (spec.projection == Projection::pooled)
    return conv1x1(net, "downsample.conv", pooled(net, x, block.stride), outputs);
  return conv1x1(net, "downsample.conv", x, outputs, block.stride);
}

}  // namespace

Value build_preactivation_block(Builder& net, const BlockPlan& block, Value x) {
  const Value active = net.relu(net.batch_norm("norm1", x));
  Value y = (block.spec.block == BlockKind::basic ? basic_branch : bottleneck_branch)(net, block, active);
  if (!block.spec.residual()) return y;
  y = end_of_branch(net, block, y);
  // The first block of a stage activates before its two paths part (He et al. 2016, section 4.2 and appendix).
  return joined(net, block, x, y, shortcut(net, block, block.first ? active : x, net.shape(y).c()));
}

}  // namespace resnet
