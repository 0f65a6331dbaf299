// The page of study "depth".
#pragma once

#include "study/flow_report.hpp"
#include "study/notebook.hpp"

#include <vector>

namespace resnet {

/// How many times better the residual network is at one depth, as the notebook counts.
struct DepthImprovement {
  int64_t depth = 0;
  Summary equal_count;   // over a plain network with as many layers as it has blocks
  Summary equal_layers;  // over one with as many layers as it has layers
};

struct DepthResult {
  std::vector<FlowGroup> groups;
  std::vector<FlowSummary> summaries;          // of the groups
  std::vector<DepthImprovement> improvements;  // none for models of the zoo
  std::vector<NotebookDepth> notebook;         // the notebook's own draw at the same depths
};

StudyReport depth_report(const FlowOptions& flow, const DepthResult& result);

}  // namespace resnet
