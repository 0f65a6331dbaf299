// What is trained and how, where the user leaves that open: network, input size, batch, length and augmentation by the
// sizes and the number of the photos.
#pragma once

#include "data/dataset.hpp"
#include "formats/model_file.hpp"
#include "train/recipe.hpp"
#include "train/train.hpp"

#include <string>

namespace resnet {

struct TrainingPlan {
  ModelInfo info;
  Recipe recipe;
  /// What was chosen and why, for the user; empty if nothing was.
  std::string reason = {};
};

/// The request with its gaps filled. `weights` (may be null) is of the file that the training starts from: its
/// network, and for photos its preprocessing, are taken, as far as the request names no others. Error (usage): options
/// that do not fit together or the data.
TrainingPlan plan_training(const TrainRequest& request, const DataSplit& data, const ModelInfo* weights);

}  // namespace resnet
