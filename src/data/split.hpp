// Splits a validation part off a data set by the content of its images, so that the same images always fall into it:
// whatever their order, and however often the program runs.
#pragma once

#include "data/dataset.hpp"

#include <cstdint>
#include <vector>

namespace resnet {

struct SplitIndices {
  /// Ascending indices into the data set; together they hold each index once.
  std::vector<int64_t> train, validation;
};

/// Of each class, `fraction` of the images (rounded; those with the smallest hash of pixels and label) become the
/// validation part, and at least one image of the whole. Error (bad data): fewer than two images. Error (usage): a
/// fraction outside (0, 1).
SplitIndices split_by_hash(const Dataset& dataset, double fraction);

/// A 64-bit hash of an image and its label that will not change between versions.
uint64_t content_hash(std::span<const uint8_t> pixels, int label);

}  // namespace resnet
