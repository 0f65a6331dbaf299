// Study "patterns": plain, residual and linear networks on lines whose place varies, and what they make of them.
#pragma once

#include "data/dataset.hpp"
#include "models/model.hpp"
#include "study/json.hpp"
#include "study/report.hpp"
#include "study/run.hpp"
#include "study/statistics.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

struct LineStudyOptions {
  int64_t size = 16, jitter = 4, count = 1500;
  double noise = 0.3;
  int64_t layers = 6, width = 32;  // of the fully connected networks; without batch norm 20 no longer learn
  int64_t conv_layers = 8;         // 6n + 2
  int64_t seeds = 10, epochs = 8, batch = 50;
};

/// The networks that are compared: "linear", then plain and residual, fully connected and convolutional, with equally
/// many layers and parameters.
std::vector<ModelSpec> line_networks(const LineStudyOptions& options);

/// "builtin:patterns?size=16&..." of that data seed.
DataSplit line_data(const LineStudyOptions& options, uint64_t data_seed, int threads);

/// One training. Accuracies are parts of 1, after each epoch.
struct LineTraining {
  std::vector<double> loss = {}, train_accuracy = {}, test_accuracy = {};
};

struct RateTried {
  double rate = 0, accuracy = 0;
};

/// Small square pictures [count, height, width] of one layer.
struct LineMaps {
  int64_t count = 0, height = 0, width = 0;
  std::vector<double> values = {};
};

/// What the first seed's network has learned.
struct LineLook {
  LineMaps weights = {};               // of the first layer
  std::vector<LineMaps> maps = {};     // what the first layer makes of one image of each class; convolutions only
  std::vector<double> x = {}, y = {};  // first two principal components of what enters the last layer
  std::vector<int> labels = {};
  double share_x = 0, share_y = 0;  // of the variance
};

struct LineNetwork {
  ModelSpec spec = {};
  int64_t layers = 0, parameters = 0;
  std::vector<RateTried> tried = {};
  double rate = 0;
  std::vector<LineTraining> trainings = {};  // by seed
  LineLook look = {};

  std::vector<double> finals() const;        // test accuracy after the last epoch, by seed
  std::vector<double> final_losses() const;  // training loss of the last epoch, by seed
};

std::vector<LineNetwork> train_on_lines(const LineStudyOptions& options, StudyRun& run);

Table line_table(const std::vector<LineNetwork>& networks);
StudyReport line_report(const LineStudyOptions& options, const std::vector<LineNetwork>& networks, uint64_t seed);

/// Squares side by side with a grey line between them: white 0, orange above, blue below, deepest at the largest size.
Picture montage(const LineMaps& maps, std::string title, std::string caption);

}  // namespace resnet
