// Residual networks and their plain twins: He et al. 2015, "Deep residual learning for image recognition", and what
// changes their blocks without changing the plan: ResNeXt, Wide ResNet, ResNet-D, squeeze-and-excitation.
#include "base/error.hpp"
#include "models/blocks.hpp"

#include <numeric>

namespace resnet {
namespace {

/// The branch's last batch norm, unless it comes after the addition.
Value last_norm(Builder& net, const ModelSpec& spec, const std::string& name, Value x) {
  if (spec.activation == Activation::norm_after_addition) return x;
  return net.batch_norm(name, x, {.gamma = spec.zero_gamma ? Init::zeros : Init::ones});
}

/// What is added to a block's end: the block's input x in the shape of the end (He et al. 2015, 3.3 and 4.1).
Value shortcut(Builder& net, const BlockPlan& block, Value x, int64_t channels) {
  const ModelSpec& spec = block.spec;
  const bool fits = block.stride == 1 && net.shape(x).c() == channels;
  if (spec.shortcut == Shortcut::option_a || (spec.shortcut == Shortcut::option_b && fits))
    return zero_padded(net, spec, x, channels, block.stride);
  const auto scope = net.scope("downsample");
  const int outputs = static_cast<int>(channels);
  if (spec.projection == Projection::pooled)
    return net.batch_norm("2", conv1x1(net, "1", pooled(net, x, block.stride), outputs));
  return net.batch_norm("1", conv1x1(net, "0", x, outputs, block.stride));
}

/// Figure 5, left.
Value basic_branch(Builder& net, const BlockPlan& block, Value x) {
  const Value h = net.relu(net.batch_norm("bn1", conv3x3(net, "conv1", x, block.width, block.stride)));
  return last_norm(net, block.spec, "bn2", conv3x3(net, "conv2", h, block.width));
}

/// Figure 5, right.
Value bottleneck_branch(Builder& net, const BlockPlan& block, Value x) {
  const ModelSpec& spec = block.spec;
  const bool early = spec.stride_at == StrideAt::conv1x1;
  const int inner = inner_channels(spec, block.width);
  Value h = net.relu(net.batch_norm("bn1", conv1x1(net, "conv1", x, inner, early ? block.stride : 1)));
  h = net.relu(net.batch_norm("bn2", conv3x3(net, "conv2", h, inner, early ? 1 : block.stride, spec.groups)));
  return last_norm(net, spec, "bn3", conv1x1(net, "conv3", h, output_channels(spec.block, block.width)));
}

/// Three 3x3 convolutions instead of one of 7x7; the batch norm of the last one is "bn1" as in the other stems.
Value deep_convolutions(Builder& net, int channels, Value images) {
  const auto scope = net.scope("conv1");
  Value h = net.relu(net.batch_norm("1", conv3x3(net, "0", images, channels / 2, 2)));
  h = net.relu(net.batch_norm("4", conv3x3(net, "3", h, channels / 2)));
  return conv3x3(net, "6", h, channels);
}

Value stem_convolution(Builder& net, const ModelSpec& spec, const std::string& name, Value images) {
  const int channels = stem_channels(spec);
  switch (spec.stem) {
    case Stem::conv3x3: return conv3x3(net, name, images, channels);
    case Stem::conv7x7: return net.conv(name, images, {.channels = channels, .kernel = 7, .stride = 2, .padding = 3});
    case Stem::deep: return deep_convolutions(net, channels, images);
  }
  return {};
}

/// Pre-activation networks leave the batch norm to the first block.
Value stem(Builder& net, const ModelSpec& spec, Value images) {
  Value h = stem_convolution(net, spec, spec.preactivation ? "stem.conv" : "conv1", images);
  if (!spec.preactivation) h = net.relu(net.batch_norm("bn1", h));
  return spec.stem == Stem::conv3x3 ? h : stem_pool(net, h);
}

Value stages(Builder& net, const ModelSpec& spec, Value x) {
  const int blocks = std::accumulate(spec.blocks.begin(), spec.blocks.end(), 0);
  int done = 0;
  for (std::size_t stage = 0; stage < spec.blocks.size(); ++stage)
    for (int index = 0; index < spec.blocks[stage]; ++index) {
      const auto scope = net.scope(block_path(spec, stage, index));
      const BlockPlan block{.spec = spec,
                            .width = spec.widths[stage],
                            .stride = stage > 0 && index == 0 ? 2 : 1,
                            .first = index == 0,
                            .drop = spec.stochastic_depth * ++done / blocks};
      x = (spec.preactivation ? build_preactivation_block : build_block)(net, block, x);
    }
  return x;
}

}  // namespace

Value build_block(Builder& net, const BlockPlan& block, Value x) {
  const Activation activation = block.spec.activation;
  const Value h = activation == Activation::relu_preactivation ? net.relu(x) : x;
  Value y = (block.spec.block == BlockKind::basic ? basic_branch : bottleneck_branch)(net, block, h);
  if (!block.spec.residual()) return net.relu(y);
  if (activation == Activation::relu_before_addition) y = net.relu(y);
  y = end_of_branch(net, block, y);
  y = joined(net, block, x, y, shortcut(net, block, x, net.shape(y).c()));
  if (activation == Activation::original) return net.relu(y);
  return activation == Activation::norm_after_addition ? net.relu(net.batch_norm("bn_sum", y)) : y;
}

Value build_resnet(Builder& net, const ModelSpec& spec, Value images) {
  Value x = stages(net, spec, stem(net, spec, images));
  if (spec.activation == Activation::relu_preactivation) x = net.relu(x);  // the last sum has none behind it
  if (!spec.preactivation) return net.linear("fc", net.flatten(net.global_average_pool(x)), {.units = spec.classes});
  const Value means = net.global_average_pool(net.relu(net.batch_norm("norm", x)));
  // timm's head is a 1x1 convolution.
  const ConvOptions head{.channels = spec.classes, .bias = true, .init = Init::uniform_fan_in};
  return net.flatten(net.conv("head.fc", means, head));
}

}  // namespace resnet
