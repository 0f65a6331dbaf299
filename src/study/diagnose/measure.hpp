// Everything that a diagnosis rests on, measured on a few batches: the health of the training step, the same images in
// inference, what one step does to the loss, and what the run says of itself.
#pragma once

#include "base/parallel.hpp"
#include "data/dataset.hpp"
#include "formats/model_file.hpp"
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

/// What metrics.csv of a run says.
struct RunFigures {
  int64_t epochs = 0, steps = 0;
  double train_loss = 0, train_top1 = 0;
  std::optional<double> top1 = {};
  std::string part = "validation";
};

struct Measurements {
  NetworkHealth health;
  InferenceFigures inference;
  double step_loss_before = 0, step_loss = 0;  // of one batch, before and after a step along its gradient
  double step_rate = 0;                        // of that step
  int64_t steps = -1;                          // see Patient
  bool trained() const { return steps != 0; }
  bool starts_as_identity = false;  // the network's blocks are meant to begin with gamma 0
  std::vector<std::string> classes;
  std::vector<std::string> frozen_stages;
  double momentum = 0;
  std::optional<RunFigures> run = {};

  /// The loss of a network that knows nothing, ln K.
  double chance_loss() const;
  double chance() const { return 1 / static_cast<double>(classes.size()); }
  /// Whether `right` of the images is more than guessing would give but once in a thousand times (normal
  /// approximation of the binomial).
  bool better_than_chance(double right) const;
};

/// Images are the first ones of a fixed shuffle of the data. Error (usage): the data have fewer than two images. Error
/// (bad data): an image cannot be decoded, has another size, or a class that the network does not know.
Measurements measure(Patient patient, const MeasureOptions& options);

}  // namespace resnet
