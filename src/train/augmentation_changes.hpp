// How a user chooses the augmentation: a preset by name, then single changes; and what a data set allows of it.
#pragma once

#include "data/augment/augmentation.hpp"

#include <optional>
#include <span>
#include <string>

namespace resnet {

/// A named choice. Where it is one of photos, it crops as torchvision's reference recipes do.
struct AugmentationPreset {
  const char* name;
  const char* summary;
  Augmentation augmentation;
};
/// none, flip, crop-flip, standard, randaugment, trivial
std::span<const AugmentationPreset> augmentation_presets();

/// What the command line may change; a preset comes first.
struct AugmentationChanges {
  std::optional<std::string> preset = {};
  std::optional<int> pad = {};
  std::optional<bool> flip = {};
  std::optional<double> resized_crop = {};
  std::optional<int> randaugment_count = {}, randaugment_level = {};
  std::optional<bool> trivial = {}, scaled_decoding = {};
  std::optional<ColourJitter> jitter = {};
  std::optional<double> lighting = {}, erasing = {}, mixup = {}, cutmix = {};
  bool operator==(const AugmentationChanges&) const = default;
};

/// A resized crop takes the place of padding and the other way round, TrivialAugment that of RandAugment and the other
/// way round, unless both are asked for. Error (usage): an unknown preset.
Augmentation changed(Augmentation augmentation, const AugmentationChanges& changes);

/// Error (usage): a value out of its range, or two that exclude each other; names them.
void check(const Augmentation& augmentation);

/// `wanted` without the moves that would change the class of the data's images: at most the padding and the mirroring
/// of `limit`.
Augmentation allowed(Augmentation wanted, const Augmentation& limit);

}  // namespace resnet
