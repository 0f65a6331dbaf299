// The shares of classes that a batch brings in place of labels, where images are mixed or classes have weights.
#pragma once

#include "data/loader.hpp"

namespace resnet {

bool has_targets(const LoaderOptions& options);

/// Fills batch.targets; mixes batch.images where the augmentation asks for it. The labels, the images and the place of
/// the batch are there already.
void fill_targets(const LoaderOptions& options, Batch& batch);

}  // namespace resnet
