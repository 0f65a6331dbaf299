#include "study/depth_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

std::vector<std::string> kinds_of(const DepthResult& result) {
  std::vector<std::string> kinds;
  for (const FlowSummary& row : result.summaries)
    if (std::ranges::find(kinds, row.kind) == kinds.end()) kinds.push_back(row.kind);
  return kinds;
}

std::vector<FlowSummary> rows_of(const DepthResult& result, const std::string& kind) {
  std::vector<FlowSummary> rows;
  std::ranges::copy_if(result.summaries, std::back_inserter(rows),
                       [&](const FlowSummary& row) { return row.kind == kind; });
  std::ranges::stable_sort(rows, {}, &FlowSummary::depth);
  return rows;
}

template <class Field>
std::string figure_of(const DepthResult& result, const std::string& title, const std::string& x_label,
                      const std::string& y_label, Field field) {
  LineChart chart{.title = title, .x_label = x_label, .y_label = y_label, .y_scale = Scale::logarithmic};
  for (const std::string& kind : kinds_of(result)) {
    Series series{.name = kind};
    for (const FlowSummary& row : rows_of(result, kind)) {
      const Summary& summary = row.*field;
      series.x.push_back(static_cast<double>(row.depth));
      series.y.push_back(summary.median);
      series.low.push_back(summary.q1);
      series.high.push_back(summary.q3);
    }
    chart.series.push_back(std::move(series));
  }
  return draw(chart);
}

std::string dead_figure(const DepthResult& result, const std::string& x_label) {
  LineChart chart{.title = "Dead networks", .x_label = x_label, .y_label = "dead (%)", .y_low = 0};
  for (const std::string& kind : kinds_of(result)) {
    Series series{.name = kind};
    for (const FlowSummary& row : rows_of(result, kind)) {
      series.x.push_back(static_cast<double>(row.depth));
      series.y.push_back(100 * static_cast<double>(row.dead) / static_cast<double>(row.trials));
    }
    chart.series.push_back(std::move(series));
  }
  return draw(chart);
}

void add_figures(StudyReport& report, const DepthResult& result, const std::string& x_label) {
  report.section("Ratios over depth", "Above 1 the gradient grows on its way back, below 1 it shrinks.");
  report.figure(
      "ratio-dw",
      figure_of(result, "Weights: first / last layer", x_label, "|dL/dW| first / last", &FlowSummary::dw_ratio),
      "Median and quartiles.");
  report.figure(
      "ratio-dx",
      figure_of(result, "Activations: first / last", x_label, "|dL/dh| first / last", &FlowSummary::stream_ratio),
      "Median and quartiles; free of the sizes of the activations.");
  report.section("Absolute norms over depth", "A ratio cannot tell a network whose gradients are all huge.");
  report.figure("first-dw",
                figure_of(result, "Gradient of the first layer's weights", x_label, "|dL/dW| of the first layer",
                          &FlowSummary::first_dw),
                "Median and quartiles.");
  report.figure("first-dx",
                figure_of(result, "Gradient of the first activations", x_label, "|dL/dh| of the first activations",
                          &FlowSummary::first_stream),
                "Median and quartiles.");
  report.section("Dead networks", "No gradient arrives at the first layer: all units of some layer are off.");
  report.figure("dead", dead_figure(result, x_label), "Share of the trials.");
}

/// The notebook's own figure beside: one draw for each depth.
void add_notebook(StudyReport& report, const DepthResult& result) {
  Series plain{.name = "plain network"}, residual{.name = "ResNet"};
  for (const NotebookDepth& row : result.notebook) {
    plain.x.push_back(static_cast<double>(row.depth));
    residual.x.push_back(static_cast<double>(row.depth));
    plain.y.push_back(row.plain);
    residual.y.push_back(row.residual);
  }
  report.figure(
      "notebook",
      draw(LineChart{.title = "The notebook's own figure",
                     .x_label = "depth d",
                     .y_label = "|dL/dW| first / last",
                     .y_scale = Scale::logarithmic,
                     .series = {plain, residual}}),
      fmt::format("One draw for each depth, by NumPy's generator with seed {} (study notebook).", notebook_seed));
}

void add_improvements(StudyReport& report, const DepthResult& result) {
  if (result.improvements.empty()) return;
  Table table({{"depth", Align::right},
               {"as many layers as blocks [95 %]", Align::right},
               {"quartiles", Align::right},
               {"as many layers as layers [95 %]", Align::right},
               {"quartiles", Align::right}});
  Series count{.name = "d layers against d blocks"}, layers{.name = "2d + 2 layers against d blocks"};
  const auto add = [](Series& series, int64_t depth, const Summary& times) {
    series.x.push_back(static_cast<double>(depth));
    series.y.push_back(times.median);
    series.low.push_back(times.q1);
    series.high.push_back(times.q3);
  };
  const auto spread = [](const Summary& times) { return fmt::format("{:.2g} to {:.2g}", times.q1, times.q3); };
  for (const DepthImprovement& row : result.improvements) {
    add(count, row.depth, row.equal_count);
    add(layers, row.depth, row.equal_layers);
    table.row({std::to_string(row.depth), median_text(row.equal_count), spread(row.equal_count),
               median_text(row.equal_layers), spread(row.equal_layers)});
  }
  report.section(
      "The notebook's “x better”",
      "Its ratio of the plain network over that of the residual one, trial by trial. At depth d the notebook "
      "compares d layers with d blocks, which have 2d + 2 layers; both comparisons are shown.");
  report.figure("improvement",
                draw(LineChart{.title = "How many times better, as the notebook counts",
                               .x_label = "depth d",
                               .y_label = "plain ratio / residual ratio",
                               .y_scale = Scale::logarithmic,
                               .series = {count, layers}}),
                "Median and quartiles. Below 1 the plain network's ratio is the smaller one.");
  add_notebook(report, result);
  report.table(std::move(table));
  const auto missing = std::ranges::find_if(
      result.improvements, [](const DepthImprovement& row) { return !row.equal_count.has_interval(); });
  if (missing != result.improvements.end())
    report.note(fmt::format("No interval where {}.", too_few_text(missing->equal_count.count, "trial")));
}

/// Of the first layer's gradient from the shallowest to the deepest network, as a factor for each step of depth.
std::string growth_text(const std::vector<FlowSummary>& rows) {
  const FlowSummary &shallow = rows.front(), &deep = rows.back();
  if (shallow.depth == deep.depth) return "is " + number_text(deep.first_dw.median);
  const double steps = static_cast<double>(deep.depth - shallow.depth);
  return fmt::format("goes from {} to {}, a factor of {} for each step of depth", number_text(shallow.first_dw.median),
                     number_text(deep.first_dw.median),
                     number_text(std::pow(deep.first_dw.median / shallow.first_dw.median, 1 / steps)));
}

void add_verdict(StudyReport& report, const DepthResult& result) {
  for (const std::string& kind : kinds_of(result)) {
    const std::vector<FlowSummary> rows = rows_of(result, kind);
    const FlowSummary& deepest = rows.back();
    report.highlight(fmt::format("{} ({} layers)", kind, deepest.layers), number_text(deepest.stream_ratio.median));
    report.verdict(fmt::format(
        "{}: at {} layers the gradient of the activations on its way back {} (first / last {}); the ratio of the "
        "weights' gradients is {}. The first layer's own gradient {}.{}",
        kind, deepest.layers, trend_text(deepest.stream_ratio), median_text(deepest.stream_ratio),
        median_text(deepest.dw_ratio), growth_text(rows), left_out_text(deepest)));
  }
}

Finding all_of(const std::vector<Finding>& findings) {
  if (std::ranges::count(findings, Finding::fails) > 0) return Finding::fails;
  return std::ranges::count(findings, Finding::holds) == std::ssize(findings) ? Finding::holds : Finding::undecided;
}

void claim_of_better(StudyReport& report, const DepthResult& result, const char* how,
                     Summary DepthImprovement::*times) {
  std::vector<Finding> findings;
  std::string found;
  for (const DepthImprovement& row : result.improvements) {
    findings.push_back(better(row.*times));
    found += fmt::format("{}depth {}: {}", found.empty() ? "" : "; ", row.depth, median_text(row.*times));
  }
  report.claim({"notebook, network depths", fmt::format("ResNet is x times better at every depth ({}).", how), found,
                all_of(findings)});
}

Finding opposite(Finding finding) {
  if (finding == Finding::undecided) return finding;
  return finding == Finding::holds ? Finding::fails : Finding::holds;
}

/// What the trend of one kind is at every depth.
void claim_of_trend(StudyReport& report, const DepthResult& result, const std::string& kind, const char* source,
                    const char* statement, bool holds_if_healthy) {
  const std::vector<FlowSummary> rows = rows_of(result, kind);
  if (rows.empty()) return;
  std::string found;
  std::vector<Finding> healthy;
  for (const FlowSummary& row : rows) {
    healthy.push_back(health_of(row.stream_ratio));
    found +=
        fmt::format("{}{} layers: {}", found.empty() ? "" : "; ", row.layers, number_text(row.stream_ratio.median));
  }
  report.claim({source, statement,
                fmt::format("{}: |dL/dh| first / last at {}: at the deepest it {}.", kind, found,
                            trend_text(rows.back().stream_ratio)),
                holds_if_healthy ? all_of(healthy) : opposite(all_of(healthy))});
}

void add_claims(StudyReport& report, const DepthResult& result) {
  if (!result.improvements.empty()) {
    claim_of_better(report, result, "as many layers as blocks", &DepthImprovement::equal_count);
    claim_of_better(report, result, "as many layers as layers", &DepthImprovement::equal_layers);
  }
  claim_of_trend(report, result, "plain, 2d + 2 layers", "notebook, takeaways",
                 "In plain networks gradients vanish or explode with depth.", false);
  claim_of_trend(report, result, "residual, d blocks", "notebook, takeaways",
                 "Shortcuts are gradient highways: gradients neither vanish nor explode.", true);
  for (const std::string& kind : kinds_of(result)) {
    const std::vector<FlowSummary> rows = rows_of(result, kind);
    if (rows.front().norm && rows.front().paths == Paths::plain)
      claim_of_trend(
          report, result, kind, "He et al. 2015, section 4.1",
          "With batch norm the backward signals of plain networks have healthy norms; vanishing gradients are "
          "unlikely to cause the difficulty.",
          true);
  }
}

}  // namespace

StudyReport depth_report(const FlowOptions& flow, const DepthResult& result) {
  StudyReport report("depth", "Gradients over depth");
  const std::string x_label = flow.of_models() ? "layers with weights" : "depth d";
  report.question(
      "How does the gradient of the first layer compare with that of the last as networks grow deeper, in plain and in "
      "residual networks? Asked of many trials, since one is noise.");
  add_verdict(report, result);
  add_figures(report, result, x_label);
  add_improvements(report, result);
  report.section("Numbers");
  report.table(flow_table(result.summaries));
  report.note(flow_table_note(result.summaries));
  add_claims(report, result);
  add_flow_method(report, flow, static_cast<int64_t>(result.summaries.front().trials));
  report.formula(
      {"ratio = |dL/dW of the first layer| / |dL/dW of the last layer|", "the notebook, test_depth_scaling"});
  return report;
}

}  // namespace resnet
