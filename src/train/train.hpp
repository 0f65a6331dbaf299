// The front door of training: a request becomes a run directory with checkpoints, metrics and a report; an interrupted
// run goes on where it stopped and ends with the same bytes.
#pragma once

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/preprocessing.hpp"
#include "data/dataset.hpp"
#include "graph/passes.hpp"
#include "models/model.hpp"
#include "runtime/executable.hpp"
#include "train/config.hpp"
#include "train/metrics.hpp"
#include "train/recipe.hpp"
#include "train/step_options.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace resnet {

/// What the user may choose of the way from a picture to the network's input.
struct PreprocessingChanges {
  std::optional<int> size = {};    // of the network's input, both sides
  std::optional<int> resize = {};  // of a picture's shorter side before its centre is cut out
  std::optional<Filter> filter = {};
};

/// Shown behind the training's own progress, from the steps done so far: what this training is part of.
using ProgressNote = std::function<std::string(int64_t step)>;

struct TrainRequest {
  /// A name of the zoo, or a file whose structure is taken; empty: the structure of `weights`, else resnet20, or for
  /// photos what plan_training() finds.
  std::string model = "resnet20";
  std::optional<ModelSpec> spec = {};   // a structure that no name stands for, instead of `model`
  ModelOptions model_options = {};      // its variant; classes and input size come from the data
  std::string data = "builtin:shapes";  // what open_data takes
  double validation = 0.1;              // part split off for validation where there are no test images
  fs::path split = {};                  // photos keep the part that this split.csv, or that of this run, says
  double max_bad = 0.01;                // part of the images that may turn out to be unusable
  Recipe recipe = recipes().front();
  /// For photos a recipe is found by plan_training() and then changed like this; `recipe` counts for other data.
  std::optional<RecipeChanges> choose_recipe = {};
  PreprocessingChanges preprocessing = {};
  uint64_t seed = 0;
  int threads = 0;         // 0: one for each available core; changes no result
  int loader_threads = 0;  // 0: a quarter of the threads; changes no result
  StepOptions step = {};
  bool choose_precision = false;  // step.precision becomes what faster_precision() says
  fs::path cache = {};            // folder for decoded photos; empty: none. It changes no result
  std::string weights = {};      // start from this file, run or published network; a head for other classes starts anew
  fs::path out = {};             // the run directory itself; empty: the next free runs/train/NAME[-N]
  bool force = false;            // `out` may be an earlier run, which goes when this one has begun
  int64_t checkpoint_every = 0;  // steps; 0: at the end of epochs only
  int64_t diagnose_every = 0;    // steps between samples of the network's health; 0: none. They change no result
  bool reuse_memory = true;
  Backend backend = Backend::cpu;  // reference: the slow oracle, to tell a fault of the kernels from one of the network
  std::string command = {};        // as typed, for command.txt and the report
  ProgressNote progress_note = {};
};

struct ResumeRequest {
  fs::path run;
  int threads = 0;
  int loader_threads = 0;
  fs::path cache = {};
  std::optional<int64_t> epochs = {};  // another length: the schedule is rescaled and the bytes differ, which is said
  std::optional<int64_t> checkpoint_every = {};  // none: as the run was started or last resumed
  bool reuse_memory = true;
  std::string command = {};
  ProgressNote progress_note = {};
};

struct TrainResult {
  fs::path run, report;
  std::string model;
  int64_t epochs = 0;  // done
  /// Accuracy of the last epoch, as `eval` says of `last`, and the best one, as `eval` says of `best`.
  double top1 = 0, best_top1 = 0;
  double images_per_second = 0;  // of training, loading included, evaluation left out
  EvaluationResult evaluation;   // of the last epoch
};

/// The numbers of a training are no longer finite: not a fault of the program, and a result for who tries rates or
/// networks. The last good checkpoint stays.
class NotFinite : public Error {
 public:
  using Error::Error;
};

/// Trains. On Ctrl-C (base/interrupt) saves, says how to resume and throws with exit code 130. Error: the loss is not
/// finite (names the node and the step where that arose), data, model or directory cannot be used.
TrainResult train(const TrainRequest& request);

/// The data as train() opens them. Error (usage): a validation part outside 0 .. 1; (bad data): see open_data().
DataSplit open_training_data(const TrainRequest& request);
/// What config.toml of such a run would say; instruction set and plan are empty, since nothing is compiled. Errors are
/// those of train() about options.
RunConfig planned_config(const TrainRequest& request, const DataSplit& data);

/// Continues a run; a finished one is evaluated anew and reported. Error: it was made with another instruction set, its
/// images, config.toml or checkpoint are not as they were, another process is training it.
TrainResult resume(const ResumeRequest& request);

/// For tests: called after each training step with the steps done so far; an empty function removes it.
void set_step_hook(std::function<void(int64_t step)> hook);

}  // namespace resnet
