// What an evaluation shows a network of one picture: its centre, ten crops (Krizhevsky et al. 2012), or the whole of it
// in several sizes.
#pragma once

#include "base/preprocessing.hpp"
#include "data/image.hpp"

#include <string>
#include <vector>

namespace resnet {

struct Views {
  int crops = 1;                 // 1: the centre; 10: four corners and the centre, and the same of the mirror image
  bool flip = false;             // each view mirrored as well; ten crops have that already
  std::vector<int> scales = {};  // instead of crops: the whole picture, its shorter side resized to each of these

  bool plain() const { return crops == 1 && !flip && scales.empty(); }
  /// How many there are of a picture.
  int count() const;
  bool operator==(const Views&) const = default;
};

/// Error (usage): other crops than 1 and 10, both crops and scales, a scale out of range.
void check(const Views& views);

/// "10 crops", "centre and its mirror image", "whole at 224, 256"
std::string describe(const Views& views);

/// The crops of a picture, resized as prepare() does; height x width of `preprocessing`. Ten are those of torchvision's
/// TenCrop and in its order: top left, top right, bottom left, bottom right, centre; then of the mirror image.
/// Error (bad data): the picture is smaller than the crop.
std::vector<Image> crops_of(const Image& picture, const Preprocessing& preprocessing, const Views& views);

/// The whole picture with this shorter side, then its mirror image if `flip`.
std::vector<Image> whole_at(const Image& picture, const Preprocessing& preprocessing, int scale, bool flip);

}  // namespace resnet
