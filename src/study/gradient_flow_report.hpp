// The page of study "gradient-flow".
#pragma once

#include "study/flow_report.hpp"
#include "study/jacobian.hpp"

#include <algorithm>
#include <vector>

namespace resnet {

struct GradientFlowResult {
  std::vector<FlowGroup> groups;
  std::vector<FlowSummary> summaries;  // of the groups
  JacobianCheck jacobian;
};

/// Of every position along the network, quartiles over the trials that are not dead. values(sample): one number for
/// each position.
template <class Values>
std::vector<Summary> profile_of(const FlowGroup& group, Values values) {
  std::vector<std::vector<double>> columns;
  for (const FlowSample& sample : group.samples) {
    if (sample.dead()) continue;
    const std::vector<double> row = values(sample);
    columns.resize(std::max(columns.size(), row.size()));
    for (std::size_t k = 0; k < row.size(); ++k) columns[k].push_back(row[k]);
  }
  std::vector<Summary> profile;
  for (const std::vector<double>& column : columns) profile.push_back(quartiles(column));
  return profile;
}

/// For each block |dL/dx| through the shortcut over the sum of that and |dL/dx| through the branch.
std::vector<double> shortcut_shares(const FlowSample& sample);

StudyReport gradient_flow_report(const FlowOptions& flow, int64_t depth, const GradientFlowResult& result,
                                 uint64_t seed);

}  // namespace resnet
