// Recipes are data: everything that decides how a network is trained, as rows of a table. The words are those of the
// command line and of config.toml.
#pragma once

#include "data/augment/augmentation.hpp"
#include "train/augmentation_changes.hpp"
#include "train/schedule.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// A low rate until the network has begun to learn (He et al. 2015, 4.2: the 110-layer network starts at 0.01 until the
/// training error is below 80%, about 400 iterations). The error is looked at every 100 steps, over those 100 steps.
struct GentleStart {
  double lr = 0;             // 0: none
  double until_error = 0.8;  // the schedule takes over below this training error
  int from_depth = 0;        // only for networks with at least so many weight layers
  bool operator==(const GentleStart&) const = default;
};
inline constexpr int64_t gentle_window = 100;  // steps

/// Part of the learning rate for one stage of the network (train/stages.hpp).
struct StageRate {
  std::string stage;
  double factor = 1;
  bool operator==(const StageRate&) const = default;
};

/// The training part of a run's configuration.
struct Recipe {
  std::string name;
  std::string summary;  // one line for `resnet train --help`; not stored
  /// Length in epochs, or in steps if `iterations` is not 0.
  int64_t epochs = 10;
  int64_t iterations = 0;
  int64_t batch = 128;
  Schedule schedule = {};  // schedule.peak is the learning rate
  GentleStart gentle = {};
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;
  /// False: batch norm and biases are left out of the weight decay.
  bool decay_all = true;
  double label_smoothing = 0;
  /// What the recipe asks for; a data set may allow less (flips of digits).
  Augmentation augmentation = {};
  /// Fine-tuning: stages that stay as they are, and stages that learn more slowly.
  std::vector<std::string> freeze = {};
  std::vector<StageRate> stage_lr = {};
  /// An epoch shows as many images of each class.
  bool balanced_sampling = false;
  /// "none", "balanced" or "NAME=WEIGHT,...": see class_weights().
  std::string class_weights = "none";
  /// Whether the loss takes shares of classes instead of labels.
  bool soft_targets() const { return augmentation.mixes() || class_weights != "none"; }
  bool operator==(const Recipe&) const = default;
};

/// The table of recipes; the first one is the default.
std::span<const Recipe> recipes();
/// Error (usage): no such recipe; names them.
const Recipe& find_recipe(std::string_view name);

/// What the command line may change. The milestones of a schedule are parts of the whole, so `epochs` rescales them.
struct RecipeChanges {
  std::optional<int64_t> epochs = {}, iterations = {}, batch = {};
  std::optional<double> lr = {}, momentum = {}, weight_decay = {}, label_smoothing = {}, warmup = {};
  std::optional<std::string> schedule = {};
  std::optional<bool> nesterov = {}, decay_all = {};
  std::optional<std::vector<std::string>> freeze = {};
  std::optional<std::vector<StageRate>> stage_lr = {};
  AugmentationChanges augmentation = {};
  std::optional<std::string> sampling = {};  // "shuffled" or "balanced"
  std::optional<std::string> class_weights = {};
};
/// "balanced" or "shuffled". Error (usage): neither of them.
bool is_balanced(std::string_view sampling);

/// `recipe` with the changes, checked.
Recipe changed(Recipe recipe, const RecipeChanges& changes);

/// "layer4=0.1". Error (usage): not of this form.
std::string to_text(const StageRate& rate);
StageRate stage_rate_from(const std::string& text);

/// Error (usage): a field is out of its range; names it and the range.
void check(const Recipe& recipe);

/// The steps of a training on an epoch of `steps_per_epoch` steps.
int64_t total_steps(const Recipe& recipe, int64_t steps_per_epoch);

}  // namespace resnet
