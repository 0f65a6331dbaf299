// What the families are made of, for build_network() only.
#pragma once

#include "models/model.hpp"

namespace resnet {

/// The 1x1 convolution that ends a bottleneck has this many times the stage's channels.
inline constexpr int bottleneck_expansion = 4;

/// Channels that leave a stage of that width.
constexpr int output_channels(BlockKind block, int width) {
  return block == BlockKind::bottleneck ? bottleneck_expansion * width : width;
}

/// images [N,C,H,W] -> logits [N,classes]
Value build_convolutional(Builder& net, const ModelSpec& spec, Value images);

/// x [N,width] or [N,C,H,W] -> logits [N,classes]
Value build_fully_connected(Builder& net, const ModelSpec& spec, Value x);

}  // namespace resnet
