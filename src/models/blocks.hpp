// What the families are made of, for build_network() and outline() only.
#pragma once

#include "models/model.hpp"

#include <algorithm>

namespace resnet {

/// The 1x1 convolution that ends a bottleneck has this many times the stage's channels.
inline constexpr int bottleneck_expansion = 4;
/// The 1x1 convolution that begins a dense bottleneck has this many times the growth.
inline constexpr int dense_expansion = 4;

/// Channels that leave a stage of that width.
constexpr int output_channels(BlockKind block, int width) {
  return block == BlockKind::bottleneck ? bottleneck_expansion * width : width;
}

/// Channels inside a bottleneck of a stage of that width.
constexpr int inner_channels(const ModelSpec& spec, int width) { return width * spec.group_width / 64 * spec.groups; }

/// Hidden units of squeeze-and-excitation, by timm's rule: a multiple of 8.
constexpr int squeezed_channels(const ModelSpec& spec, int channels) {
  return std::max(8, (channels / spec.squeeze + 4) / 8 * 8);
}

/// Channels that leave the stem.
inline int stem_channels(const ModelSpec& spec) { return spec.stem_width > 0 ? spec.stem_width : spec.widths.front(); }

/// Channels that a transition between dense stages keeps.
int64_t compressed(const ModelSpec& spec, int64_t channels);

/// What the names of a stage's tensors begin with: "layer1", "stages.0", "features.denseblock1".
std::string stage_path(const ModelSpec& spec, std::size_t stage);
/// The same for a block: "layer1.0", "stages.0.blocks.0", "features.denseblock1.denselayer1".
std::string block_path(const ModelSpec& spec, std::size_t stage, int block);

/// A block of a residual network.
struct BlockPlan {
  const ModelSpec& spec;
  int width = 0;  // of the stage
  int stride = 1;
  bool first = false;  // of its stage
  double drop = 0;     // the probability that stochastic depth skips it
};

// All take and return [N,C,H,W] and name parameters relative to the builder's scope.
Value conv3x3(Builder& net, const std::string& name, Value x, int channels, int stride = 1, int groups = 1);
Value conv1x1(Builder& net, const std::string& name, Value x, int channels, int stride = 1);
/// 3x3/2.
Value stem_pool(Builder& net, Value x);
/// Squeeze-and-excitation (Hu et al. 2018) if the spec has it, then stochastic depth: how a branch ends.
Value end_of_branch(Builder& net, const BlockPlan& block, Value branch);
/// Shortcut A (He et al. 2015, 3.3): every stride-th pixel, and zeros for the missing channels.
Value zero_padded(Builder& net, const ModelSpec& spec, Value x, int64_t channels, int stride);
/// The pooling before a pooled projection; x itself where the image keeps its size.
Value pooled(Builder& net, Value x, int stride);

/// Branch and shortcut together, with gates, factors and dropout if the spec has them; x is the block's input.
Value joined(Builder& net, const BlockPlan& block, Value x, Value branch, Value shortcut);

/// y = block(x), BN and ReLU after each convolution (He et al. 2015, figure 5), or as `activation` says.
Value build_block(Builder& net, const BlockPlan& block, Value x);
/// The same with BN and ReLU before each convolution (He et al. 2016, figure 1 b).
Value build_preactivation_block(Builder& net, const BlockPlan& block, Value x);

/// images [N,C,H,W] -> logits [N,classes]
Value build_resnet(Builder& net, const ModelSpec& spec, Value images);
Value build_densenet(Builder& net, const ModelSpec& spec, Value images);

/// x [N,width] or [N,C,H,W] -> logits [N,classes]
Value build_fully_connected(Builder& net, const ModelSpec& spec, Value x);

/// images [N,C,H,W] -> logits [N,classes]. Error (bad model): the layers do not fit together.
Value build_written_out(Builder& net, const ModelSpec& spec, Value images);

}  // namespace resnet
