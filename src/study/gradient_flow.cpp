// Study "gradient-flow": the profile of a gradient through networks of one depth, over many draws; how much of it takes
// the shortcut and how much the branch; and the formula behind it, tested.
#include "base/error.hpp"
#include "study/declare.hpp"
#include "study/flow_report.hpp"
#include "study/gradient_flow_report.hpp"
#include "study/jacobian.hpp"

#include <fmt/format.h>

#include <memory>

namespace resnet {
namespace {

constexpr int64_t jacobian_blocks = 20;

struct Options {
  FlowOptions flow;
  int64_t depth = 10;
};

JacobianCheck jacobians(StudyRun& run, int64_t width) {
  const Json found = run.piece("jacobian", [&] {
    const JacobianCheck check = check_jacobians(std::min<int64_t>(width, 64), jacobian_blocks, run.seed());
    return Json{{"largest_difference", check.largest_difference}, {"largest_entry", check.largest_entry}};
  });
  return {.blocks = jacobian_blocks,
          .largest_difference = found.at("largest_difference").get<double>(),
          .largest_entry = found.at("largest_entry").get<double>()};
}

Json profile_json(const std::vector<Summary>& profile) {
  Json list = Json::array();
  for (const Summary& point : profile) list.push_back({{"median", point.median}, {"q1", point.q1}, {"q3", point.q3}});
  return list;
}

Json results_of(const GradientFlowResult& result) {
  Json networks = Json::array();
  for (std::size_t index = 0; index < result.groups.size(); ++index) {
    const FlowGroup& group = result.groups[index];
    Json network = to_json(result.summaries[index]);
    network["dw"] = profile_json(profile_of(group, [](const FlowSample& s) { return s.dw; }));
    network["dx"] = profile_json(profile_of(group, [](const FlowSample& s) { return s.stream; }));
    if (group.paths == Paths::residual) network["shortcut_share"] = profile_json(profile_of(group, shortcut_shares));
    networks.push_back(std::move(network));
  }
  return {{"networks", networks},
          {"jacobian",
           {{"blocks", result.jacobian.blocks},
            {"largest_difference", result.jacobian.largest_difference},
            {"largest_entry", result.jacobian.largest_entry}}}};
}

}  // namespace

StudyAction declare_gradient_flow(StudyOptions& options) {
  const auto chosen = std::make_shared<Options>();
  options.whole("--depth", chosen->depth, 2, 1000, "layers of the plain network, blocks of the residual ones");
  declare_flow_options(options, chosen->flow);
  return [chosen](StudyRun& run) {
    GradientFlowResult result{.groups = run_flow(run, chosen->flow, {chosen->depth}, FlowDetail::all),
                              .summaries = {},
                              .jacobian = jacobians(run, chosen->flow.networks.width)};
    for (const FlowGroup& group : result.groups) result.summaries.push_back(summary_of(group, run.seed()));
    StudyReport report = gradient_flow_report(chosen->flow, chosen->depth, result, run.seed());
    std::string text = printed_lines(result.summaries, report);
    return StudyOutcome{results_of(result), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
