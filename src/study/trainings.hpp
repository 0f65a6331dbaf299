// The trainings of a study: ordinary run directories in a folder, trained one after the other on all threads. What lies
// there finished is read, what was stopped goes on, what is missing is started. So a study can be stopped and
// continued, and `eval`, `inspect`, `resume` and other studies read each run as if `resnet train` had made it.
#pragma once

#include "study/options.hpp"
#include "study/run.hpp"
#include "train/config.hpp"
#include "train/run.hpp"
#include "train/train.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

/// What the trainings of a study have in common, as options of the study.
struct TrainingOptions {
  std::string data = "builtin:shapes?train=4000&test=1000";
  std::string recipe = "short", precision = "auto";
  int64_t epochs = 0, batch = 0;  // 0: as the recipe says
  int64_t seeds = 1;              // trainings of each network, with the study's seed, the next one, ...
  std::string runs = {};          // the folder of the run directories; empty: runs/ in that of the study
};

/// --data --recipe --epochs --batch --seeds --precision --runs; `target` must outlive the options. The data are opened
/// once before anything is written, so that they are known to be there.
void declare_training_options(StudyOptions& options, TrainingOptions& target);

/// One training of the queue.
struct Training {
  std::string name;  // of its run directory: "resnet20-seed1"
  /// Folder, threads, command and notes are filled in by train_all().
  TrainRequest request;
};

/// `model` (a name of the zoo) for each seed: MODEL-seed0, MODEL-seed1, ...
std::vector<Training> trainings_of(const TrainingOptions& options, const std::string& model, uint64_t first_seed);

/// A run that is finished, or whose numbers stopped being finite.
struct Trained {
  std::string name;
  RunDirectory run;
  RunConfig config;
  std::vector<MetricsRow> rows;  // of each epoch
  std::string failure = {};      // why it ended early: its loss was not finite; empty if it did not
};

struct TrainedRuns {
  std::string data_name, test_name;  // "cifar10", "validation"
  std::vector<Trained> runs;         // in the order of the trainings
};

/// Trains what is not there yet. All `trainings` have the same data. A run directory that somebody made and put at its
/// place is taken if it is the same training. On Ctrl-C the running training is saved and the study stops. Error (bad
/// data): another training is at the place of one (see expect_same_training), or something that is no run.
TrainedRuns train_all(StudyRun& run, const TrainingOptions& options, const std::vector<Training>& trainings);

/// That of all trainings of a study, since they are compared: "auto" is what is faster for ResNet-20 at this batch.
Precision training_precision(const TrainingOptions& options);

/// "bf16", and what that means, for the method of a report.
std::string precision_text(const TrainingOptions& options);

}  // namespace resnet
