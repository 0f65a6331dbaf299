// How well a network does on a data set: the same function for the end of an epoch and for `eval`, with the same batch
// size, so both say the same of the same weights.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"
#include "data/views.hpp"
#include "formats/open_model.hpp"
#include "train/bad_images.hpp"
#include "train/inference.hpp"
#include "train/metrics.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

/// Images in a batch of an evaluation: 100 small ones, fewer large ones. It depends on nothing else, because the bits
/// of a convolution may depend on it.
int64_t evaluation_batch(const ImageSize& image);
/// Images of which the report shows prediction and truth, as evenly from all classes as there are.
inline constexpr int64_t shown_images = 16;

/// All images of `dataset` in its order, but for bad ones, which `bad` is told of (without it the first one is an
/// Error); the classes of the result are those of the model. `threads` decode photos. None if an interrupt came.
std::optional<EvaluationResult> evaluate(InferenceProgram& program, const std::shared_ptr<const Dataset>& dataset,
                                         const ModelInfo& info, BadImages* bad = nullptr, int threads = 1);

/// For each name its place in `model`. A synset and its name (n01440764, tench) are one class. Error (bad data): a name
/// is not there.
std::vector<int32_t> matched_classes(const std::vector<std::string>& names, const std::vector<std::string>& model);

struct EvaluateRequest {
  std::string model;      // a model file, or a run directory (its best, or its last before the first epoch has ended)
  std::string data;       // what open_data takes; empty for a run directory: the data it was trained with
  OpenOptions open = {};  // what a foreign file does not say itself
  Views views = {};       // what is shown of each image
  std::vector<std::string> ensemble = {};  // more networks, whose probabilities are averaged with those of `model`
  std::optional<double> validation = {};   // part split off for validation; none: see below
  int threads = 0;
};

/// Evaluates a model file or run on the test part of a data set, with the model's preprocessing; classes are matched by
/// name. Of data without such a part all images are taken, but of a run's own data those that it kept for validation
/// (as its split.csv has it; a model file that lies in a run counts as the run). A foreign file without preprocessing
/// gets the data set's, one without classes the data set's in their order; both are said. Error (bad model, bad data):
/// the data have a class that the model has not, or images of another size.
EvaluationResult evaluate(const EvaluateRequest& request);

}  // namespace resnet
