// Weights of classes in the loss, for data sets where some have more images than others.
#pragma once

#include "data/dataset.hpp"

#include <string>
#include <vector>

namespace resnet {

/// The weight of each class of `dataset`; the mean over its images is 1, so the learning rate keeps its meaning.
/// `text`: "none" gives no weights, "balanced" N / (classes * images of the class), else "NAME=WEIGHT,..." with 1 for
/// the others. Error (usage): an unknown class, no positive number.
std::vector<float> class_weights(const std::string& text, const Dataset& dataset);

/// "ants 1.50, bees 0.75", at most ten; empty without weights.
std::string describe_class_weights(const std::string& text, const Dataset& dataset);

}  // namespace resnet
