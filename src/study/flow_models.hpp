// The gradients of the zoo's networks on batches of real or generated images, at initialisation and from checkpoints.
#pragma once

#include "study/flow.hpp"

#include <string>
#include <vector>

namespace resnet {

struct ModelFlowSetting {
  std::string models;   // names of the zoo with commas between, each at its initialisation
  std::string weights;  // model files or run directories with commas between: as they are, and at initialisation
  std::string data = "builtin:shapes";
  int64_t batch = 32, trials = 10;
};

/// Mean cross-entropy of a batch of training images (not augmented), batch norm with the batch's statistics, in single
/// precision on the CPU backend. Trial t takes the t-th batch and, at initialisation, the t-th draw of weights.
/// Error (usage): unknown model. Error (bad data): classes or image size differ from the checkpoint's.
std::vector<FlowGroup> model_flow_trials(StudyRun& run, const ModelFlowSetting& setting, FlowDetail detail);

}  // namespace resnet
