// Parts that the convolutional families share.
#include "models/blocks.hpp"

#include "base/error.hpp"

#include <cmath>

namespace resnet {

int64_t compressed(const ModelSpec& spec, int64_t channels) {
  return static_cast<int64_t>(std::floor(static_cast<double>(channels) * spec.compression));
}

std::string stage_path(const ModelSpec& spec, std::size_t stage) {
  if (spec.family == Family::densenet) return text_of("features.denseblock", stage + 1);
  return spec.preactivation ? text_of("stages.", stage) : text_of("layer", stage + 1);
}

std::string block_path(const ModelSpec& spec, std::size_t stage, int block) {
  const std::string path = stage_path(spec, stage);
  if (spec.family == Family::densenet) return text_of(path, ".denselayer", block + 1);
  return text_of(path, spec.preactivation ? ".blocks." : ".", block);
}

Value conv3x3(Builder& net, const std::string& name, Value x, int channels, int stride, int groups) {
  return net.conv(name, x, {.channels = channels, .kernel = 3, .stride = stride, .padding = 1, .groups = groups});
}

Value conv1x1(Builder& net, const std::string& name, Value x, int channels, int stride) {
  return net.conv(name, x, {.channels = channels, .stride = stride});
}

Value stem_pool(Builder& net, Value x) { return net.max_pool(x, {.kernel = 3, .stride = 2, .padding = 1}); }

namespace {

/// x times a gate of each channel, computed from the channels' means.
Value excited(Builder& net, const ModelSpec& spec, Value x) {
  const auto scope = net.scope("se");
  const auto channels = static_cast<int>(net.shape(x).c());
  const Value means = net.global_average_pool(x);
  const Value h = net.relu(net.conv("fc1", means, {.channels = squeezed_channels(spec, channels), .bias = true}));
  const Value gate = net.unary(net.conv("fc2", h, {.channels = channels, .bias = true}), {.kind = UnaryKind::sigmoid});
  return net.scale_channels(x, net.flatten(gate));
}

Value scaled(Builder& net, Value x, double factor) {
  return factor == 1 ? x : net.unary(x, {.kind = UnaryKind::affine, .a = static_cast<float>(factor), .b = 0});
}

/// g(x) of as many channels and positions as the end of the block.
Value gate_of(Builder& net, const BlockPlan& block, Value x, int64_t channels) {
  const auto bias = static_cast<float>(block.spec.gate_bias);
  Value h = net.conv("gate", x, {.channels = static_cast<int>(channels), .stride = block.stride, .bias = true});
  if (bias != 0) h = net.unary(h, {.kind = UnaryKind::affine, .a = 1, .b = bias});
  return net.unary(h, {.kind = UnaryKind::sigmoid});
}

}  // namespace

Value joined(Builder& net, const BlockPlan& block, Value x, Value branch, Value shortcut) {
  const ModelSpec& spec = block.spec;
  if (spec.gate != Gate::none) {
    const Value gate = gate_of(net, block, x, net.shape(branch).c());
    if (spec.gate == Gate::exclusive) branch = net.binary(BinaryKind::multiply, branch, gate);
    const Value rest = net.unary(gate, {.kind = UnaryKind::affine, .a = -1, .b = 1});
    shortcut = net.binary(BinaryKind::multiply, shortcut, rest);
  }
  shortcut = scaled(net, shortcut, spec.shortcut_scale);
  if (spec.shortcut_dropout > 0)
    shortcut = net.dropout(shortcut, {.probability = static_cast<float>(spec.shortcut_dropout)});
  return net.add(scaled(net, branch, spec.branch_scale), shortcut);
}

Value end_of_branch(Builder& net, const BlockPlan& block, Value branch) {
  const ModelSpec& spec = block.spec;
  if (spec.squeeze > 0) branch = excited(net, spec, branch);
  if (block.drop == 0) return branch;
  return net.dropout(branch, {.probability = static_cast<float>(block.drop), .per_image = true});
}

Value zero_padded(Builder& net, const ModelSpec& spec, Value x, int64_t channels, int stride) {
  const int64_t zeros = channels - net.shape(x).c();
  if (stride == 1 && zeros == 0) return x;
  const int64_t before = spec.zero_channels == ZeroChannels::around ? zeros / 2 : 0;
  return net.subsample(x, stride, before, zeros - before);
}

Value pooled(Builder& net, Value x, int stride) {
  if (stride == 1) return x;
  return net.average_pool(x, {.kernel = stride, .stride = stride, .ceil_mode = true, .count_include_pad = false});
}

}  // namespace resnet
