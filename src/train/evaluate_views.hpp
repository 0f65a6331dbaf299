// Evaluation as papers publish it: several views of each image, and several networks.
#pragma once

#include "data/dataset.hpp"
#include "data/views.hpp"
#include "formats/open_model.hpp"
#include "train/bad_images.hpp"
#include "train/metrics.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace resnet {

class ThreadPool;

/// All images of `dataset` but for bad ones, shown to each network in all views; the probabilities are averaged over
/// views, then over networks. The classes are those of the first network; the others must have the same ones, in any
/// order. Each network prepares images in its own way. None if an interrupt came.
std::optional<EvaluationResult> evaluate_views(const std::vector<OpenedModel>& models,
                                               const std::shared_ptr<const Dataset>& dataset, const Views& views,
                                               BadImages& bad, const std::shared_ptr<ThreadPool>& threads);

}  // namespace resnet
