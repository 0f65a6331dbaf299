// A few training images as the network gets them: cropped, changed, mixed.
#pragma once

#include "data/loader.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace resnet {

struct TrainingImage {
  std::vector<uint8_t> pixels;  // [C, H, W]
  std::string caption;          // "cat", or of a mixed image "cat 70 %, dog 30 %"
};

/// The first batch of up to `count` images that a loader with these options would make; values that normalisation and
/// lighting took out of 0 .. 255 are cut.
std::vector<TrainingImage> training_images(const std::shared_ptr<const Dataset>& dataset,
                                           const Preprocessing& preprocessing, LoaderOptions options, int64_t count);

}  // namespace resnet
