// Mixup (Zhang et al. 2017) and CutMix (Yun et al. 2019): each image of a batch is joined with the one before it, the
// first with the last, as in torchvision's reference recipe. Batches are shuffled, so neighbours are random pairs.
#pragma once

#include "base/random.hpp"
#include "base/shape.hpp"
#include "data/image.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace resnet {

/// One decision for a whole batch.
struct Mix {
  /// The part of the target that stays with the image itself; the other image has the rest.
  double share = 1;
  /// CutMix: where the other image shows; its area is 1 - share of the whole. Without it all pixels are averaged.
  std::optional<Rectangle> window = {};
};

/// `mixup` and `cutmix` are the alphas of Beta(alpha, alpha), 0 for none; with both each batch takes one of them with
/// equal chances. CutMix's window has sides of sqrt(1 - lambda) of the image's, a uniform centre and is clipped at the
/// border; its share follows from the clipped area.
Mix draw_mix(double mixup, double cutmix, int height, int width, Rng& rng);

/// Mixes images [N, C, H, W] in place and writes targets [N, classes], whose rows sum to 1. Each label becomes the
/// class with the larger part of its image, so that an accuracy can be counted.
void mix_batch(const Mix& mix, const Shape& shape, std::span<float> images, std::span<int32_t> labels, int classes,
               std::span<float> targets);

}  // namespace resnet
