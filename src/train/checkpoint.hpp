// checkpoints/last.safetensors: everything a training needs to go on with the same bytes. Weights, statistics and
// momenta are tensors; counters are text in the metadata. No times and no paths.
#pragma once

#include "base/files.hpp"
#include "formats/model_file.hpp"
#include "train/metrics.hpp"
#include "train/recipe.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace resnet {

/// Where a training stands.
struct TrainingPosition {
  int64_t epoch = 0;          // the running one, from 0
  int64_t step_in_epoch = 0;  // steps of it that are done
  int64_t step = 0;           // steps done in all
  uint64_t seed = 0;
  TrainingMetrics running = {};  // of the running epoch
  /// Gentle start (recipe.hpp): whether it still lasts, and the counts of the running window of steps.
  bool gentle = false;
  int64_t window_images = 0, window_correct = 0;
  int64_t gentle_end = 0;  // the step before which the gentle start was over; 0 while it lasts, or without one
  double rate = 0;         // learning rate of the last step
  /// The best epoch so far, and the steps that were done at its end: where that is `step`, the weights are the best.
  std::optional<double> best_top1 = {};
  int64_t best_step = 0;
  bool operator==(const TrainingPosition&) const = default;
};

/// One JSON object, numbers exact.
std::string to_json_text(const TrainingPosition& position);
/// Error (bad model): a field is missing, of another type or negative.
TrainingPosition position_from_json(const std::string& text);

/// Writes the checkpoint; on an error the one before it is untouched. The recipe goes with it for whoever looks inside.
void save_position(const fs::path& path, const ModelInfo& info, const State& state, const TrainingPosition& position,
                   const Recipe& recipe);

struct LoadedPosition {
  ModelInfo info;
  State state;
  TrainingPosition position;
  Recipe recipe;
};
/// Error (bad model), naming the file: see load_checkpoint; no counters in it (a model, not a checkpoint).
LoadedPosition load_position(const fs::path& path);

}  // namespace resnet
