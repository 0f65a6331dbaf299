// Everything that a diagnosis rests on, measured on a few batches: the health of the training step, the same images in
// inference, what one step does to the loss, and what the run says of itself.
#pragma once

#include "base/parallel.hpp"
#include "data/dataset.hpp"
#include "formats/model_file.hpp"
#include "study/diagnose/trials.hpp"
#include "train/health/health.hpp"
#include "train/recipe.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

/// What is looked at. A test plants its faults here.
struct Patient {
  ModelInfo info;
  State state = {};  // what it lacks is started from the seed
  Recipe recipe = {};
  std::shared_ptr<const Dataset> data;
  int64_t steps = -1;  // of training that it has seen; -1: nobody says, so it counts as trained
  uint64_t seed = 0;
};

struct MeasureOptions {
  int64_t batches = 4;
  int64_t batch = 0;  // 0: up to 64, fewer where the network's values would not fit into about 1 GiB
  std::shared_ptr<ThreadPool> threads = {};
};

/// The same images through the network as it is used.
struct InferenceFigures {
  double loss = 0, top1 = 0, confidence = 0;
  std::vector<int64_t> confusion;  // [classes, classes], rows are the truth
};

/// How many are right if the images come in another form.
struct OtherForm {
  std::string name;  // see PictureForm
  double top1 = 0;
};

/// What metrics.csv of a run says.
struct RunFigures {
  int64_t epochs = 0, steps = 0;
  double train_loss = 0, train_top1 = 0;
  std::optional<double> top1 = {};
  std::string part = "validation";
};

/// Of the weights, by one step of the median layer: more is a step off what the gradient describes.
inline constexpr double largest_update = 0.15;

struct Measurements {
  NetworkHealth health;
  InferenceFigures inference;
  double step_loss_before = 0, step_loss = 0;  // of one batch, before and after a step along its gradient
  double step_rate = 0;                        // of that step
  FirstSteps first_steps = {};                 // of a network at its start, where one step looks too large
  std::vector<OtherForm> other_forms = {};     // of a trained network that is often wrong
  int64_t steps = -1;                          // see Patient
  /// By its steps; where nobody says how many, by its weights: see shows_training().
  bool trained() const;
  bool starts_as_identity = false;  // the network's blocks are meant to begin with gamma 0
  std::vector<std::string> classes;
  std::vector<int64_t> labels;  // how many images of each class there are in the whole of the data
  std::vector<std::string> frozen_stages;
  double momentum = 0;
  bool weighs_classes = false;  // the recipe, by weights or by sampling
  std::optional<RunFigures> run = {};

  /// Whether a step throws off what a network knows: it takes the loss of its own batch up by three times ln K.
  bool oversteps(double before, double after) const;
  /// The loss of a network that knows nothing, ln K.
  double chance_loss() const;
  double chance() const { return 1 / static_cast<double>(classes.size()); }
  /// Whether `right` of the images is more than guessing would give but once in a thousand times (normal
  /// approximation of the binomial).
  bool better_than_chance(double right) const;
};

/// Whether something is as only training makes it: weights of a layer that are no independent draws of one law, or
/// batch norms whose channels have parameters of their own.
bool shows_training(const NetworkHealth& health);

/// Images are the first ones of a fixed shuffle of the data. Error (usage): the data have fewer than two images. Error
/// (bad data): an image cannot be decoded, has another size, or a class that the network does not know.
Measurements measure(Patient patient, const MeasureOptions& options);

}  // namespace resnet
