// report.html: what a training run did, on one self-contained page.
#pragma once

#include "data/dataset.hpp"
#include "models/model.hpp"
#include "train/config.hpp"
#include "train/environment.hpp"
#include "train/health/samples.hpp"
#include "train/metrics.hpp"
#include "train/run.hpp"
#include "train/training_images.hpp"

#include <optional>
#include <string>
#include <vector>

namespace resnet {

/// Where the seconds of a training went.
struct TimeSplit {
  double compute = 0, loading = 0, evaluation = 0, saving = 0, health = 0;
};

struct TrainingReport {
  const RunConfig& config;
  const ModelSpec& model;
  std::vector<MetricsRow> rows;
  std::vector<double> learning_rates;  // at evenly spaced steps of the whole training
  int64_t steps = 0, steps_done = 0;
  int64_t gentle_steps = 0;                    // of the gentle start so far
  std::string failure = {};                    // why the training ended early; empty if it did not
  std::string test_name;                       // "test" or "validation"
  const Dataset* test = nullptr;               // the images shown, of one size
  std::string augmentation;                    // in words
  std::string class_weights;                   // likewise; empty if there are none
  std::vector<HealthSample> samples;           // of the network's health, if the run keeps them
  std::vector<TrainingImage> training;         // some images as they are trained on
  std::optional<EvaluationResult> evaluation;  // none before the first epoch has ended
  TimeSplit time;
  double images_per_second = 0;
  std::string command;  // one line for each part of the run
  Environment environment;
};

void write_report(const RunDirectory& run, const TrainingReport& report);

}  // namespace resnet
