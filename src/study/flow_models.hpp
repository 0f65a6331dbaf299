// The gradients of the zoo's networks on batches of real or generated images, at initialisation and from checkpoints.
#pragma once

#include "data/dataset.hpp"
#include "study/flow.hpp"

#include <string>
#include <utility>
#include <vector>

namespace resnet {

struct ModelFlowSetting {
  std::string models;   // names of the zoo with commas between, each at its initialisation
  std::string weights;  // model files or run directories with commas between: as they are, and at initialisation
  std::string data = "builtin:shapes";
  int64_t batch = 32, trials = 10;
};

/// A network to measure.
struct FlowSubject {
  FlowGroup group;  // "resnet56 at initialisation", "resnet56 from runs/..."; no samples yet
  ModelSpec spec;
  Preprocessing preprocessing;
  State weights = {};  // empty: drawn anew for each trial
  bool trained = false;
};

class ModelFlow {
 public:
  /// Opens data, models and checkpoints. Error (usage): unknown model, one of a single layer, or a batch larger than
  /// the data. Error (bad data): no data there, or classes that differ from the checkpoint's.
  explicit ModelFlow(const ModelFlowSetting& setting);

  /// Mean cross-entropy of a batch of training images (not augmented), batch norm with the batch's statistics, in
  /// single precision on the CPU backend. Trial t takes the t-th batch and, at initialisation, the t-th draw of
  /// weights.
  std::vector<FlowGroup> run(StudyRun& run, FlowDetail detail) const;

 private:
  void add_initial(const ModelSpec& spec);
  void add_checkpoint(const std::string& path);
  FlowSample trial(StudyRun& run, const FlowSubject& subject, int64_t trial, FlowDetail detail) const;

  ModelFlowSetting setting_;
  DataSplit data_;
  std::vector<FlowSubject> subjects_;
  std::vector<std::pair<std::string, std::string>> pins_;  // checkpoints and the hashes of their bytes
};

}  // namespace resnet
