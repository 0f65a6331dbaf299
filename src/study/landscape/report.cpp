#include "study/landscape/report.hpp"

#include "report/landscape_charts.hpp"
#include "study/landscape/claims.hpp"
#include "study/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr double percent = 100;

/// One scale for all planes: from the smallest loss to a hundred times that of guessing, or less if nothing is so high.
std::pair<double, double> scale_of(const LandscapeResult& result) {
  double low = INFINITY, high = 0, guessing = 0;
  for (const SurroundedNetwork& network : result.networks) {
    guessing = std::max(guessing, std::log(static_cast<double>(network.classes)));
    for (const LossAt& value : network.plane.values)
      if (std::isfinite(value.loss) && value.loss > 0) {
        low = std::min(low, value.loss);
        high = std::max(high, value.loss);
      }
  }
  if (!(low < high)) return {guessing / 2, guessing * 2};
  return {std::max(low, 1e-6 * guessing), std::min(high, 100 * guessing)};
}

Landscape landscape_of(const SurroundedNetwork& network, const std::pair<double, double>& scale) {
  Landscape landscape{.title = fmt::format("{} (loss {:.3g} in the middle)", network.name, network.plane.centre().loss),
                      .x_label = "first direction",
                      .y_label = "second direction",
                      .value_label = "loss",
                      .x = network.plane.steps,
                      .y = network.plane.steps,
                      .low = scale.first,
                      .high = scale.second};
  for (const LossAt& value : network.plane.values) landscape.values.push_back(value.loss);
  return landscape;
}

void add_planes(StudyReport& report, const LandscapeResult& result) {
  report.section(
      "Around the solutions",
      "The loss over a plane through the trained network, which is in its middle. At a distance of 1 along a "
      "direction each filter has moved by its own norm. All pictures have one scale, logarithmic.");
  const auto scale = scale_of(result);
  for (std::size_t index = 0; index < result.networks.size(); ++index) {
    const Landscape landscape = landscape_of(result.networks[index], scale);
    report.figure(fmt::format("contours-{}", index + 1), draw_contours(landscape), "Li et al. 2018, figures 4 and 5.");
    report.figure(fmt::format("surface-{}", index + 1), draw_surface(landscape), "The same. Li et al. 2018, figure 1.");
  }
}

/// Beyond the ends the loss can grow without bound; what is above ten times the highest loss between them is cut off.
std::optional<double> highest_shown(const LossLine& line) {
  double high = 0;
  for (const std::vector<LossAt>* values : {&line.interpolated, &line.recomputed})
    for (std::size_t k = 0; k < values->size(); ++k)
      if (line.steps[k] >= 0 && line.steps[k] <= 1 && std::isfinite((*values)[k].loss))
        high = std::max(high, (*values)[k].loss);
  if (!(high > 0)) return std::nullopt;
  return 10 * high;
}

void add_lines(StudyReport& report, const LandscapeResult& result) {
  if (result.lines.empty()) return;
  report.section(
      "Between two solutions",
      "The loss along the straight line from one trained network (0) to another one of the same structure (1).");
  for (std::size_t index = 0; index < result.lines.size(); ++index) {
    const LossLine& line = result.lines[index];
    LineChart chart{.title = fmt::format("{} to {}", line.from, line.to),
                    .x_label = "place on the line",
                    .y_label = "loss",
                    .y_scale = Scale::logarithmic,
                    .y_high = highest_shown(line)};
    LineChart errors{.title = chart.title, .x_label = chart.x_label, .y_label = "error (%)", .y_low = 0, .y_high = 100};
    const auto add = [&](const char* name, const std::vector<LossAt>& values) {
      if (values.empty()) return;
      Series loss{.name = name, .x = line.steps}, error = loss;
      for (const LossAt& value : values) {
        loss.y.push_back(value.loss);
        error.y.push_back(percent * value.error);
      }
      chart.series.push_back(std::move(loss));
      errors.series.push_back(std::move(error));
    };
    add(line.recomputed.empty() ? "all weights" : "statistics on the line", line.interpolated);
    add("statistics recomputed", line.recomputed);
    report.figure(fmt::format("line-{}", index + 1), draw(chart),
                  "Li et al. 2018, figure 2. Above ten times the highest loss between the ends curves are cut off.");
    report.figure(fmt::format("line-error-{}", index + 1), draw(errors), "The same places.");
  }
}

void add_numbers(StudyReport& report, const LandscapeResult& result) {
  report.section("Numbers");
  Table table({{"network"},
               {"file or run"},
               {"loss", Align::right},
               {"error (%)", Align::right},
               {"below guessing (%)", Align::right},
               {"bent down (%)", Align::right},
               {"minima", Align::right},
               {"steepest", Align::right}});
  for (const SurroundedNetwork& network : result.networks)
    table.row({network.name, network.source, fmt::format("{:.3g}", network.plane.centre().loss),
               fmt::format("{:.1f}", percent * network.plane.centre().error),
               fmt::format("{:.1f}", percent * network.summary.low_part),
               fmt::format("{:.1f}", percent * network.summary.bent_down), std::to_string(network.summary.minima),
               fmt::format("x {:.3g}", std::pow(10, network.summary.steepest))});
  report.table(
      table,
      "Below guessing: the part of its points whose loss is below log(classes). Bent down: the part of its "
      "inner points at which the smaller eigenvalue of the Hessian in the plane (central differences) is below "
      "-1/10 of the larger one's size. Steepest: the largest factor of the loss from a point to the next.");
}

void add_method(StudyReport& report, const LandscapeSetting& setting, const std::string& images) {
  report.method(
      fmt::format("Two directions of Gaussian numbers for each network, each filter scaled to the norm of the "
                  "network's filter at its "
                  "place; {} x {} points from -{:g} to {:g}. Biases and batch norm's parameters do not move. At each "
                  "point the network "
                  "goes through the same evaluation as `resnet eval`, in single precision, on {}.",
                  setting.points, setting.points, setting.extent, setting.extent, images));
  report.method(
      "Batch norm: as in the authors' program, a network is evaluated with its running statistics, and on a plane "
      "these "
      "stay those of the trained network while its weights move. On the line between two solutions the running "
      "statistics "
      "are interpolated as the weights are (beyond the ends a variance stays at 0 where it would become negative). "
      "Since "
      "statistics on the line are those of neither network, a second curve has them recomputed from the images at each "
      "place.");
  report.method(
      "A plane is a cut through a space of many dimensions: where it bends down there is a direction of negative "
      "curvature, but where it does not there may still be one outside the plane (Li et al. 2018, section 6).");
  report.formula({"f(a, b) = L(w + a d + b e),   d_ij <- d_ij / |d_ij| |w_ij|", "Li et al. 2018, eq. 1 and section 4"});
  report.formula({"f(t) = L((1 - t) w + t v)", "Goodfellow et al. 2015; Li et al. 2018, section 2"});
}

void add_verdict(StudyReport& report, const LandscapeResult& result) {
  for (const SurroundedNetwork& network : result.networks) {
    report.highlight(network.name + ", plane below guessing",
                     fmt::format("{:.0f} %", percent * network.summary.low_part));
    report.verdict(fmt::format(
        "{}: the loss is {:.3g} in the middle; it stays below that of guessing on {:.1f} % of the plane, which has {} "
        "local {} and bends down at {:.1f} % of its inner points.",
        network.name, network.plane.centre().loss, percent * network.summary.low_part, network.summary.minima,
        network.summary.minima == 1 ? "minimum" : "minima", percent * network.summary.bent_down));
  }
  for (const LossLine& line : result.lines) {
    const auto barrier = barrier_of(line.steps, line.interpolated), other = barrier_of(line.steps, line.recomputed);
    if (!barrier) continue;
    report.verdict(fmt::format("Between {} and {} the loss rises {:.3g} above the line between its ends{}.", line.from,
                               line.to, *barrier,
                               other ? fmt::format(", {:.3g} with recomputed statistics", *other) : ""));
  }
}

}  // namespace

StudyReport landscape_report(const LandscapeResult& result, const LandscapeSetting& setting,
                             const std::string& images) {
  StudyReport report("landscape", "Loss landscapes");
  report.question(
      "What does the loss look like around a trained network and between two of them, and do shortcuts make it "
      "smoother?");
  add_verdict(report, result);
  add_planes(report, result);
  add_lines(report, result);
  add_numbers(report, result);
  add_claims(report, result);
  add_method(report, setting, images);
  return report;
}

std::string landscape_lines(const LandscapeResult& result, const StudyReport& report) {
  Table table({{"network"},
               {"loss", Align::right},
               {"below guessing %", Align::right},
               {"bent down %", Align::right},
               {"minima", Align::right}});
  for (const SurroundedNetwork& network : result.networks)
    table.row({network.name, fmt::format("{:.3g}", network.plane.centre().loss),
               fmt::format("{:.1f}", percent * network.summary.low_part),
               fmt::format("{:.1f}", percent * network.summary.bent_down), std::to_string(network.summary.minima)});
  std::string text = to_text(table) + "\n";
  for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
  return text;
}

}  // namespace resnet
