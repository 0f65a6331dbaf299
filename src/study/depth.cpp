// Study "depth": how the first layer's gradient compares with the last one's as networks grow deeper.
#include "study/declare.hpp"
#include "study/depth_report.hpp"

#include <algorithm>
#include <memory>

namespace resnet {
namespace {

struct Options {
  FlowOptions flow;
  std::vector<int64_t> depths = {5, 10, 20, 30, 40};
};

std::vector<int64_t> in_order(std::vector<int64_t> depths) {
  std::ranges::sort(depths);
  depths.erase(std::unique(depths.begin(), depths.end()), depths.end());
  return depths;
}

const FlowGroup* find(const DepthResult& result, const char* kind, int64_t depth) {
  const auto same = [&](const FlowGroup& group) { return group.kind == kind && group.depth == depth; };
  const auto found = std::ranges::find_if(result.groups, same);
  return found == result.groups.end() ? nullptr : &*found;
}

Json results_of(const DepthResult& result) {
  Json networks = Json::array(), improvements = Json::array();
  for (const FlowSummary& row : result.summaries) networks.push_back(to_json(row));
  for (const DepthImprovement& row : result.improvements)
    improvements.push_back(
        {{"depth", row.depth}, {"equal_count", to_json(row.equal_count)}, {"equal_layers", to_json(row.equal_layers)}});
  return {{"networks", networks}, {"improvement", improvements}};
}

void compare_as_the_notebook(DepthResult& result, const Options& options, const std::vector<int64_t>& depths,
                             StudyRun& run) {
  for (const int64_t depth : depths) {
    const FlowGroup *plain = find(result, "plain, d layers", depth),
                    *layers = find(result, "plain, 2d + 2 layers", depth),
                    *residual = find(result, "residual, d blocks", depth);
    result.improvements.push_back(
        {depth, improvement(*plain, *residual, run.seed()), improvement(*layers, *residual, run.seed())});
  }
  NumpyRandom random(notebook_seed);
  const NotebookOptions notebook{
      .input_width = options.flow.networks.input_width, .width = options.flow.networks.width, .depths = depths};
  result.notebook = run_notebook(notebook, random, [&] { run.stop_if_interrupted(); }).depths;
}

}  // namespace

StudyAction declare_depth(StudyOptions& options) {
  const auto chosen = std::make_shared<Options>();
  options.wholes("--depths", chosen->depths, 2, 1000, "depths to compare: layers of plain networks, blocks of others");
  declare_flow_options(options, chosen->flow);
  return [chosen](StudyRun& run) {
    const std::vector<int64_t> depths = in_order(chosen->depths);
    DepthResult result{.groups = run_flow(run, chosen->flow, depths, FlowDetail::ends),
                       .summaries = {},
                       .improvements = {},
                       .notebook = {}};
    for (const FlowGroup& group : result.groups) result.summaries.push_back(summary_of(group, run.seed()));
    if (!chosen->flow.of_models()) compare_as_the_notebook(result, *chosen, depths, run);
    StudyReport report = depth_report(chosen->flow, result);
    std::string text = printed_lines(result.summaries, report);
    return StudyOutcome{results_of(result), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
