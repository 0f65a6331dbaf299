// What a recipe asks for, and the order in which it is done: crop, mirror, a policy, colours; then, on normalised
// values, lighting and erasing. Mixing joins finished images and belongs to the batch (mix.hpp).
#pragma once

#include "data/augment/draws.hpp"
#include "data/image.hpp"

#include <string>

namespace resnet {

/// Random changes to training images that keep their class. Zero stands for "none" everywhere.
struct Augmentation {
  /// Raw zero pixels put around the image before a crop of the original size is taken at random; 0: no crop.
  int pad = 4;
  /// Mirrors left and right with probability one half.
  bool flip = true;
  /// Random resized crop instead of padding: the smallest part of the area that is shown (0.08 in torchvision).
  double resized_crop = 0;
  /// Photos: where a resized crop needs no more, JPEGs are decoded at 1/2, 1/4 or 1/8 of their size, which changes the
  /// pixels a little.
  bool scaled_decoding = false;
  /// RandAugment: operators for an image, and their level 0 .. 30.
  int randaugment_count = 0, randaugment_level = 9;
  /// TrivialAugment Wide.
  bool trivial = false;
  ColourJitter jitter = {};
  /// Deviation of PCA lighting; of images of three channels.
  double lighting = 0;
  /// Probability of random erasing.
  double erasing = 0;
  /// Alphas of mixup and CutMix.
  double mixup = 0, cutmix = 0;

  /// Targets are shares of classes instead of labels.
  bool mixes() const { return mixup > 0 || cutmix > 0; }
  /// Pad, crop and mirror are all there is to do with an image.
  bool moves_only() const {
    return resized_crop == 0 && randaugment_count == 0 && !trivial && !jitter.any() && lighting == 0 && erasing == 0;
  }
  bool operator==(const Augmentation&) const = default;
};

/// "random resized crop from 8 % of the area, flip, RandAugment 2 x 9, mixup 0.2"; "none"
std::string describe(const Augmentation& augmentation);

/// Random resized crop or pad-and-crop; the result has the size of the image, bilinear where it is resized.
Image random_crop(Image image, const Augmentation& augmentation, Rng& rng);

/// What follows the crop while pixels have 8 bits: flip, RandAugment, TrivialAugment, colour jitter. The size stays.
Image random_change(Image image, const Augmentation& augmentation, Rng& rng);

}  // namespace resnet
