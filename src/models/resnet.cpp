// Residual networks and their plain twins, after He et al. 2015, "Deep residual learning for image recognition".
#include "base/error.hpp"
#include "models/blocks.hpp"

namespace resnet {
namespace {

Value conv3x3(Builder& net, const std::string& name, Value x, int channels, int stride = 1) {
  return net.conv(name, x, {.channels = channels, .kernel = 3, .stride = stride, .padding = 1});
}

Value conv1x1(Builder& net, const std::string& name, Value x, int channels, int stride = 1) {
  return net.conv(name, x, {.channels = channels, .stride = stride});
}

/// What is added to a block's end: the block's input x in the shape of the end (He et al. 2015, 3.3 and 4.1).
Value shortcut(Builder& net, const ModelSpec& spec, Value x, int64_t channels, int stride) {
  const int64_t zeros = channels - net.shape(x).c();
  const bool fits = stride == 1 && zeros == 0;
  if (spec.shortcut == Shortcut::option_c || (spec.shortcut == Shortcut::option_b && !fits)) {
    const auto scope = net.scope("downsample");
    return net.batch_norm("1", conv1x1(net, "0", x, static_cast<int>(channels), stride));
  }
  if (fits) return x;
  const int64_t before = spec.zero_channels == ZeroChannels::around ? zeros / 2 : 0;
  return net.subsample(x, stride, before, zeros - before);
}

/// F(x) + x, or F(x) alone in a plain network.
Value end_of_block(Builder& net, const ModelSpec& spec, Value branch, Value x, int stride) {
  if (!spec.residual()) return branch;
  return net.add(branch, shortcut(net, spec, x, net.shape(branch).c(), stride));
}

/// Figure 5, left.
Value basic_block(Builder& net, const ModelSpec& spec, Value x, int channels, int stride) {
  Value h = net.relu(net.batch_norm("bn1", conv3x3(net, "conv1", x, channels, stride)));
  h = net.batch_norm("bn2", conv3x3(net, "conv2", h, channels));
  return net.relu(end_of_block(net, spec, h, x, stride));
}

/// Figure 5, right.
Value bottleneck_block(Builder& net, const ModelSpec& spec, Value x, int channels, int stride) {
  const bool early = spec.stride_at == StrideAt::conv1x1;
  Value h = net.relu(net.batch_norm("bn1", conv1x1(net, "conv1", x, channels, early ? stride : 1)));
  h = net.relu(net.batch_norm("bn2", conv3x3(net, "conv2", h, channels, early ? 1 : stride)));
  h = net.batch_norm("bn3", conv1x1(net, "conv3", h, output_channels(spec.block, channels)));
  return net.relu(end_of_block(net, spec, h, x, stride));
}

Value stem(Builder& net, const ModelSpec& spec, Value images) {
  const int channels = spec.widths.front();
  if (spec.family == Family::cifar) return net.relu(net.batch_norm("bn1", conv3x3(net, "conv1", images, channels)));
  const ConvOptions conv = {.channels = channels, .kernel = 7, .stride = 2, .padding = 3};
  const Value h = net.relu(net.batch_norm("bn1", net.conv("conv1", images, conv)));
  return net.max_pool(h, {.kernel = 3, .stride = 2, .padding = 1});
}

}  // namespace

Value build_convolutional(Builder& net, const ModelSpec& spec, Value images) {
  Value x = stem(net, spec, images);
  for (std::size_t stage = 0; stage < spec.blocks.size(); ++stage) {
    const auto stage_scope = net.scope(text_of("layer", stage + 1));
    for (int block = 0; block < spec.blocks[stage]; ++block) {
      const auto block_scope = net.scope(text_of(block));
      const int stride = stage > 0 && block == 0 ? 2 : 1;
      const auto build = spec.block == BlockKind::basic ? basic_block : bottleneck_block;
      x = build(net, spec, x, spec.widths[stage], stride);
    }
  }
  return net.linear("fc", net.flatten(net.global_average_pool(x)), {.units = spec.classes});
}

}  // namespace resnet
