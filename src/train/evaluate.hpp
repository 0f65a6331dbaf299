// How well a network does on a data set: the same function for the end of an epoch and for `eval`, with the same batch
// size, so both say the same of the same weights.
#pragma once

#include "base/files.hpp"
#include "base/preprocessing.hpp"
#include "data/dataset.hpp"
#include "train/inference.hpp"
#include "train/metrics.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

/// Images in a batch of an evaluation; fixed, because the bits of a convolution may depend on it.
inline constexpr int64_t evaluation_batch = 100;
/// Images of which the report shows prediction and truth.
inline constexpr int64_t shown_images = 16;

/// All images of `dataset` in its order. None if an interrupt came.
std::optional<EvaluationResult> evaluate(InferenceProgram& program, const std::shared_ptr<const Dataset>& dataset,
                                         const Preprocessing& preprocessing, const std::string& label = "evaluation");

struct EvaluateRequest {
  std::string model;  // a model file, or a run directory (its best, or its last before the first epoch has ended)
  std::string data;   // what open_data takes; empty for a run directory: the data it was trained with
  double validation = 0.1;
  int threads = 0;
  /// For files that carry no preprocessing; otherwise an error to give. Empty: the data set's own, which is said.
  std::vector<float> mean = {}, deviation = {};
};

/// Evaluates a model file or run on the test part of a data set; classes are matched by name where both have names.
/// Error (bad model, bad data): the classes or the image size differ.
EvaluationResult evaluate(const EvaluateRequest& request);

}  // namespace resnet
