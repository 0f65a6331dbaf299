// The loop of a training: steps, ends of epochs, checkpoints, interrupts. Where it stands is a TrainingPosition and a
// State; everything else follows from the configuration, so that a loop can start anywhere.
#pragma once

#include "data/loader.hpp"
#include "train/bad_images.hpp"
#include "train/checkpoint.hpp"
#include "train/config.hpp"
#include "train/evaluate.hpp"
#include "train/health/samples.hpp"
#include "train/pace.hpp"
#include "train/run.hpp"
#include "train/train.hpp"
#include "train/training_program.hpp"
#include "train/training_report.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

struct TrainerSetup {
  RunConfig config;
  ModelInfo info;
  DataSplit data;
  BadImages bad;
  int threads = 1;
  int loader_threads = 0;  // 0: a quarter of the threads
  bool reuse_memory = true;
  Backend backend = Backend::cpu;
  ProgressNote progress_note = {};
};

class Trainer {
 public:
  /// Compiles; what `state` lacks is started from the seed. Error (usage): a batch larger than the data set.
  Trainer(TrainerSetup setup, State state, const TrainingPosition& position);

  /// Fills in what the configuration says of the compiled step.
  const RunConfig& config() const { return setup_.config; }
  int64_t steps() const { return steps_; }
  int64_t steps_per_epoch() const { return loader_.steps_per_epoch(); }

  /// Writes `last` of the run.
  void save(const RunDirectory& run);
  /// Trains to the end. `rows` are the epochs that are already in metrics.csv.
  TrainResult train(const RunDirectory& run, std::vector<MetricsRow> rows);

 private:
  int64_t steps_of_epoch() const;
  bool finished() const { return position_.step == steps_ && position_.step_in_epoch == 0; }
  /// The learning rate of a step that was done or lies ahead.
  double rate_of(int64_t step) const;
  TrainingProgram::Result advance(bool checked);
  void count(const TrainingProgram::Result& result, int64_t images);
  void train_step(const RunDirectory& run);
  void sample_health(const RunDirectory& run);
  std::optional<EvaluationResult> evaluate_now();
  void finish_epoch(const RunDirectory& run);
  void stop(const RunDirectory& run);
  int64_t back_to_checkpoint(const RunDirectory& run);
  [[noreturn]] void diagnose(const RunDirectory& run);
  bool state_is_finite() const;
  double seconds() const;
  std::string progress_details() const;
  MetricsRow row_of_epoch() const;
  void save_best(const RunDirectory& run);
  void report(const RunDirectory& run, const std::string& failure = {});
  /// Where a report that cannot be written is no reason to stop, or hides a better one.
  void try_report(const RunDirectory& run, const std::string& failure = {});
  double images_per_second() const;

  TrainerSetup setup_;
  State state_;
  TrainingPosition position_;
  std::shared_ptr<ThreadPool> pool_;
  Loader loader_;
  int64_t steps_;
  TrainingProgram program_;
  InferenceProgram inference_;
  std::vector<MetricsRow> rows_;
  std::optional<HealthSampler> sampler_;
  std::vector<HealthSample> samples_;
  std::optional<EvaluationResult> evaluation_;
  Pace pace_;
  std::shared_ptr<const Dataset> shown_;  // the test part as the network sees it, for the report
  std::vector<TrainingImage> shown_training_;
  TimeSplit time_;
  int64_t images_trained_ = 0;  // by this process
  double earlier_seconds_ = 0;  // of the parts of the run before this one
  std::chrono::steady_clock::time_point start_;
};

}  // namespace resnet
