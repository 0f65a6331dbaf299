#include "study/gradient_flow_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>

namespace resnet {
namespace {

using Values = std::function<std::vector<double>(const FlowSample&)>;

/// Positions from 0, the end at the input, to 1, so that networks of different depths lie above each other.
Series profile_series(const FlowGroup& group, const Values& values) {
  Series series{.name = group.name};
  const std::vector<Summary> profile = profile_of(group, values);
  for (std::size_t k = 0; k < profile.size(); ++k) {
    series.x.push_back(static_cast<double>(k) / static_cast<double>(std::max<std::size_t>(profile.size() - 1, 1)));
    series.y.push_back(profile[k].median);
    series.low.push_back(profile[k].q1);
    series.high.push_back(profile[k].q3);
  }
  return series;
}

Series block_series(const FlowGroup& group, const Values& values) {
  Series series = profile_series(group, values);
  for (std::size_t k = 0; k < series.x.size(); ++k) series.x[k] = static_cast<double>(k + 1);
  return series;
}

/// Groups that share a figure: those without batch norm, those with it, at most four at a time.
std::vector<std::vector<const FlowGroup*>> figures_of(const std::vector<FlowGroup>& groups) {
  constexpr std::size_t most = 4;
  std::vector<std::vector<const FlowGroup*>> figures;
  for (const bool norm : {false, true})
    for (std::size_t count = 0; const FlowGroup& group : groups) {
      if (group.norm != norm) continue;
      if (count++ % most == 0) figures.emplace_back();
      figures.back().push_back(&group);
    }
  return figures;
}

void add_profiles(StudyReport& report, const GradientFlowResult& result) {
  struct Quantity {
    const char *file, *title, *y_label;
    Values values;
  };
  const Quantity quantities[] = {
      {"dw", "Gradient of the weights", "|dL/dW|", [](const FlowSample& s) { return s.dw; }},
      {"dx", "Gradient of the activations", "|dL/dh|", [](const FlowSample& s) { return s.stream; }}};
  const auto figures = figures_of(result.groups);
  for (std::size_t index = 0; index < figures.size(); ++index)
    for (const Quantity& quantity : quantities) {
      LineChart chart{.title = quantity.title,
                      .x_label = "position (0: first, 1: last)",
                      .y_label = std::string(quantity.y_label) + " (Frobenius norm)",
                      .y_scale = Scale::logarithmic};
      for (const FlowGroup* group : figures[index]) chart.series.push_back(profile_series(*group, quantity.values));
      report.figure(fmt::format("{}-{}", quantity.file, index + 1), draw(chart),
                    figures[index].front()->norm ? "With batch norm. Median and quartiles."
                                                 : "Without normalisation. Median and quartiles.");
    }
}

/// Share of the trials whose ratio is at most x.
Series distribution(const FlowGroup& group) {
  std::vector<double> ratios = group.log_dw_ratio();
  std::erase_if(ratios, [](double x) { return !std::isfinite(x); });
  std::ranges::sort(ratios);
  Series series{.name = group.name};
  for (std::size_t k = 0; k < ratios.size(); ++k) {
    series.x.push_back(std::pow(10, ratios[k]));
    series.y.push_back(100 * static_cast<double>(k + 1) / static_cast<double>(ratios.size()));
  }
  return series;
}

void add_distribution(StudyReport& report, const GradientFlowResult& result) {
  LineChart chart{.title = "How far one trial is from another",
                  .x_label = "|dL/dW| of the first layer / of the last",
                  .y_label = "trials at or below (%)",
                  .x_scale = Scale::logarithmic,
                  .y_low = 0,
                  .y_high = 100};
  for (const FlowGroup& group : result.groups) chart.series.push_back(distribution(group));
  report.figure("distribution", draw(chart),
                "Left of 1 the gradient shrinks on its way back, right of 1 it grows. One "
                "draw is one point of a curve.");
}

void add_blocks(StudyReport& report, const GradientFlowResult& result) {
  LineChart share{.title = "Share of the gradient through the shortcut",
                  .x_label = "block (1: next to the input)",
                  .y_label = "share (%)",
                  .y_low = 0,
                  .y_high = 100};
  LineChart growth{.title = "Activations on the main path",
                   .x_label = "block (1: next to the input)",
                   .y_label = "|x| / |x of the first block|",
                   .y_scale = Scale::logarithmic};
  for (const FlowGroup& group : result.groups) {
    if (group.paths != Paths::residual) continue;
    share.series.push_back(block_series(group, shortcut_shares));
    for (std::vector<double>* values : {&share.series.back().y, &share.series.back().low, &share.series.back().high})
      for (double& value : *values) value *= 100;
    growth.series.push_back(block_series(group, [](const FlowSample& s) {
      std::vector<double> x = s.x;
      for (double& value : x) value /= s.x.front();
      return x;
    }));
  }
  if (share.series.empty()) return;
  report.section(
      "Shortcut and branch",
      "dL/dx of a block is the sum of what arrives through the shortcut and through the branch. The share is "
      "|shortcut| / (|shortcut| + |branch|): 50 % where both bring as much.");
  report.figure("shortcut-share", draw(share), "Median and quartiles over the trials.");
  report.figure(
      "activations", draw(growth),
      "Median and quartiles. De & Smith 2020 (Batch normalization biases residual blocks towards the identity, "
      "2): the variance grows as 2^blocks without normalisation, as the number of blocks with it.");
}

const FlowGroup* find(const GradientFlowResult& result, const char* kind) {
  const auto found = std::ranges::find(result.groups, kind, &FlowGroup::kind);
  return found == result.groups.end() ? nullptr : &*found;
}

std::size_t living(const FlowGroup& group) { return group.samples.size() - group.dead(); }

/// Factor by which |x|^2 grows from a block to the next.
double growth_of(const FlowGroup& group) {
  std::vector<double> values;
  for (const FlowSample& s : group.samples)
    if (!s.dead() && s.x.size() > 1)
      values.push_back(2 * std::log10(s.x.back() / s.x.front()) / static_cast<double>(s.x.size() - 1));
  return std::pow(10, quartiles(values).median);
}

void claim_of_better(StudyReport& report, const GradientFlowResult& result, uint64_t seed, const char* plain,
                     const char* how) {
  const FlowGroup *a = find(result, plain), *b = find(result, "residual, d blocks");
  if (!a || !b) return;
  const Summary times = improvement(*a, *b, seed);
  const bool either = times.q1 < 1 && times.q3 > 1;
  report.claim(
      {"notebook, gradient flow", fmt::format("ResNet maintains gradient flow better ({}).", how),
       fmt::format("{} times better as the notebook counts; quartiles {:.2g} to {:.2g}{}.{}", median_text(times),
                   times.q1, times.q3, either ? ": a quarter of the draws and more say either" : "",
                   times.has_interval() ? "" : " Not decided: " + too_few_text(times.count, "trial") + "."),
       better(times)});
}

void add_claims_of_draws(StudyReport& report, const GradientFlowResult& result, uint64_t seed) {
  claim_of_better(report, result, seed, "plain, d layers", "as many layers as blocks");
  claim_of_better(report, result, seed, "plain, 2d + 2 layers", "as many layers as layers");
  const FlowGroup *plain = find(result, "plain, 2d + 2 layers"), *residual = find(result, "residual, d blocks");
  const FlowGroup* pre_activation = find(result, "pre-activation, d blocks");
  if (!plain || !residual || !pre_activation) return;
  report.claim({"notebook, last cell", "The + I term ensures that gradients always flow.",
                fmt::format("{} of {} residual networks are dead, {} of {} plain ones with as many layers. Only the "
                            "first and the last layer of a residual network, which have no shortcut, can stop it.",
                            residual->dead(), residual->samples.size(), plain->dead(), plain->samples.size()),
                residual->dead() > 0                              ? Finding::fails
                : residual->samples.size() >= fewest_for_interval ? Finding::holds
                                                                  : Finding::undecided});
  const double without = growth_of(*residual), with = growth_of(*pre_activation);
  const double blocks = static_cast<double>(residual->depth);
  const double linear = std::pow(blocks, 1 / std::max(blocks - 1, 1.0));  // 1, 2, ..., d as a mean factor
  report.claim(
      {"De & Smith 2020, section 2",
       "The variance on the skip path doubles with each block without normalisation; with batch norm in the "
       "branch it grows in proportion to the block's number.",
       fmt::format("A factor of {:.2f} a block without, {:.3f} with (growth in proportion would be {:.3f}). The "
                   "notebook's branch ends in a ReLU, so that x and F(x) point the same way.",
                   without, with, linear),
       !(living(*residual) >= fewest_for_interval && living(*pre_activation) >= fewest_for_interval)
           ? Finding::undecided
       : std::abs(without - 2) < 0.5 && std::abs(with - linear) < 0.25 * (linear - 1) ? Finding::holds
                                                                                      : Finding::fails});
}

void add_claims(StudyReport& report, const FlowOptions& flow, const GradientFlowResult& result, uint64_t seed) {
  if (!flow.of_models()) add_claims_of_draws(report, result, seed);
  for (const FlowSummary& row : result.summaries)
    if (row.norm && row.paths == Paths::plain)
      report.claim(
          {"He et al. 2015, section 4.1",
           "With batch norm the backward signals of plain networks have healthy norms; vanishing gradients are "
           "unlikely to cause the difficulty.",
           fmt::format("{}: on its way back the gradient {} (|dL/dh| first / last {}).", row.name,
                       trend_text(row.stream_ratio), median_text(row.stream_ratio)),
           health_of(row.stream_ratio)});
  const JacobianCheck& check = result.jacobian;
  report.claim(
      {"notebook, last cell; He et al. 2016, eq. 5", "dL/dx = dL/dy (dF/dx + I).",
       fmt::format("Over {} random blocks the Jacobian of y by finite differences differs from J_F + I by at most "
                   "{:.2g}, its largest entry being {:.3g}.",
                   check.blocks, check.largest_difference, check.largest_entry),
       check.largest_difference < 1e-6 * check.largest_entry ? Finding::holds : Finding::fails});
}

void add_verdict(StudyReport& report, const GradientFlowResult& result) {
  for (const FlowSummary& row : result.summaries)
    report.verdict(fmt::format(
        "{}: on its way from the last activation to the first the gradient {} (first / last {}); the weights' gradient "
        "has a ratio of {}, and {} in the first layer.{}",
        row.name, trend_text(row.stream_ratio), median_text(row.stream_ratio), median_text(row.dw_ratio),
        number_text(row.first_dw.median), left_out_text(row)));
}

}  // namespace

std::vector<double> shortcut_shares(const FlowSample& sample) {
  std::vector<double> shares;
  for (std::size_t block = 0; block < sample.shortcut.size(); ++block)
    shares.push_back(sample.shortcut[block] / (sample.shortcut[block] + sample.branch[block]));
  return shares;
}

StudyReport gradient_flow_report(const FlowOptions& flow, int64_t depth, const GradientFlowResult& result,
                                 uint64_t seed) {
  StudyReport report("gradient-flow", flow.of_models() ? "Gradient flow in the zoo's networks"
                                                       : fmt::format("Gradient flow at depth {}", depth));
  report.question(
      "What happens to a gradient on its way back through a network: does it vanish, explode, or keep its size? How "
      "much of it takes the shortcuts? Asked of many trials, since one is noise.");
  for (const FlowSummary& row : result.summaries) report.highlight(row.name, number_text(row.stream_ratio.median));
  add_verdict(report, result);
  report.section("Profiles", "The large numbers above are the medians of |dL/dh|, first / last.");
  add_profiles(report, result);
  report.section("Ratios");
  add_distribution(report, result);
  report.table(flow_table(result.summaries));
  report.note(flow_table_note(result.summaries));
  add_blocks(report, result);
  add_claims(report, flow, result, seed);
  add_flow_method(report, flow, static_cast<int64_t>(result.summaries.front().trials));
  report.formula({"y = F(x) + x:   dL/dx = dL/dy (dF/dx + I)", "He et al. 2016, Identity mappings, eq. 4 and 5"});
  report.formula({"W ~ normal(0, 2 / inputs),  b = 0", "He et al. 2015, Delving deep into rectifiers, eq. 10"});
  return report;
}

}  // namespace resnet
