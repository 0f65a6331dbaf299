#include "study/lesion/report.hpp"

#include "study/lesion/findings.hpp"
#include "study/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace resnet {
namespace {

constexpr double percent = 100;

void add_single(StudyReport& report, const std::vector<LesionedNetwork>& networks) {
  LineChart chart{.title = "One unit deleted",
                  .x_label = "layer (a block stands at its last one)",
                  .y_label = "error (%)",
                  .y_low = 0,
                  .y_high = 100,
                  .width = 2 * chart_width};
  for (const LesionedNetwork& network : networks) {
    Series series{.name = fmt::format("{} (whole: {:.1f} %)", network.name, percent * network.whole.error)};
    for (const SingleLesion& row : network.single) {
      series.x.push_back(static_cast<double>(row.layer));
      series.y.push_back(percent * row.score.error);
    }
    chart.series.push_back(std::move(series));
  }
  report.figure("deleted", draw(chart),
                "The error after each residual block became its shortcut, or each layer of a plain network was taken "
                "out, one at a time. Veit et al. 2016, figure 3.",
                true);
}

/// Median and quartiles of the error over the draws, by what was deleted.
Series drawn_series(const LesionedNetwork& network, const std::vector<DrawnLesion>& rows) {
  std::map<int64_t, std::pair<std::vector<double>, double>> by_count;  // errors, layers
  for (const DrawnLesion& row : rows) {
    by_count[row.count].first.push_back(percent * row.score.error);
    by_count[row.count].second += static_cast<double>(row.layers);
  }
  Series series{.name = network.name, .x = {0}, .y = {percent * network.whole.error}};
  series.low = series.high = series.y;
  for (const auto& [count, group] : by_count) {
    const Summary errors = quartiles(group.first);
    series.x.push_back(group.second / static_cast<double>(group.first.size()));
    series.y.push_back(errors.median);
    series.low.push_back(errors.q1);
    series.high.push_back(errors.q3);
  }
  return series;
}

void add_several(StudyReport& report, const std::vector<LesionedNetwork>& networks) {
  LineChart several{.title = "Several units deleted",
                    .x_label = "layers with weights that are gone (mean)",
                    .y_label = "error (%)",
                    .y_low = 0,
                    .y_high = 100};
  LineChart exchanged{.title = "Units exchanged",
                      .x_label = "Kendall's tau of the order (1: as trained)",
                      .y_label = "error (%)",
                      .joined = false,
                      .y_low = 0,
                      .y_high = 100};
  for (const LesionedNetwork& network : networks) {
    several.series.push_back(drawn_series(network, network.several));
    Series points{.name = network.name, .x = {1}, .y = {percent * network.whole.error}};
    for (const DrawnLesion& row : network.exchanged) {
      points.x.push_back(row.tau);
      points.y.push_back(percent * row.score.error);
    }
    exchanged.series.push_back(std::move(points));
  }
  report.figure("several", draw(several),
                "Units drawn at random; median and quartiles over the draws. Veit et al. 2016, figure 5 a.");
  report.figure("exchanged", draw(exchanged),
                "Pairs of units of the same shape, drawn at random, exchange their places. Veit et al. 2016, figure "
                "5 b.");
}

void add_paths(StudyReport& report, const std::vector<LesionedNetwork>& networks) {
  LineChart magnitude{.title = "Gradient through one path",
                      .x_label = "blocks whose branch the path takes",
                      .y_label = "|dL/dx| (Frobenius norm)",
                      .y_scale = Scale::logarithmic};
  LineChart share{.title = "Where paths and gradient are",
                  .x_label = "blocks whose branch the path takes",
                  .y_label = "share (%)",
                  .y_low = 0};
  for (const LesionedNetwork& network : networks) {
    if (network.paths.empty()) continue;
    const PathShares shares = shares_of(network);
    Series one{.name = network.name}, paths{.name = network.name + ", paths"},
        total{.name = network.name + ", gradient"};
    for (const PathLength& row : network.paths) {
      const auto length = static_cast<double>(row.length);
      one.x.push_back(length);
      one.y.push_back(row.median);
      one.low.push_back(row.q1);
      one.high.push_back(row.q3);
      paths.x.push_back(length);
      paths.y.push_back(percent * std::pow(10, row.log10_paths - std::log10(2) * static_cast<double>(network.units)));
      total.x.push_back(length);
      total.y.push_back(percent * shares.share[static_cast<std::size_t>(row.length)]);
    }
    magnitude.series.push_back(std::move(one));
    share.series.push_back(std::move(paths));
    share.series.push_back(std::move(total));
  }
  if (magnitude.series.empty()) return;
  report.section("Gradient by path length",
                 "Each block can be passed through its branch or through its shortcut, which makes 2^n paths of 0 to n "
                 "branches. The gradient of the loss by the image is the sum over all of them.");
  report.figure("path-gradient", draw(magnitude),
                "Median and quartiles over the sampled paths. Veit et al. 2016, figure 6 b.");
  report.figure(
      "path-share", draw(share),
      "The number of paths of each length is binomial; the gradient of a length is that number times the mean "
      "norm of one path, which leaves out how paths cancel. Veit et al. 2016, figure 6 a and c.");
}

void add_numbers(StudyReport& report, const std::vector<LesionedNetwork>& networks) {
  report.section("Numbers");
  Table table({{"network"},
               {"file or run"},
               {"units"},
               {"error, whole (%)", Align::right},
               {"one deleted: median (%)", Align::right},
               {"worst (%)", Align::right},
               {"its unit"},
               {"kept (%)", Align::right}});
  for (const LesionedNetwork& network : networks) {
    const SingleSummary single = single_summary(network);
    table.row({network.name, network.source,
               fmt::format("{} {}", network.units, network.residual ? "blocks" : "layers"),
               fmt::format("{:.1f}", percent * network.whole.error), fmt::format("{:.1f}", percent * single.median),
               fmt::format("{:.1f}", percent * single.worst), single.worst_name,
               network.learnt() ? fmt::format("{:.0f}", percent * single.median_kept) : "none was there"});
  }
  report.table(table, "Kept: the part of the accuracy above chance that is left without one unit, at the median.");
  for (const LesionedNetwork& network : networks)
    if (!network.untouched.empty())
      report.note(
          fmt::format("{}: {} of the inner layers cannot be taken out, since what they read cannot become what "
                      "they give (the first is {}).",
                      network.name, network.untouched.size(), network.untouched.front()));
}

void add_method(StudyReport& report, const LesionSetting& setting, const std::string& images) {
  report.method(
      "A deleted block becomes its shortcut: the identity, or where the shape changes the block's own shortcut "
      "(subsampling with zero channels, or its projection). A deleted layer of a plain network vanishes with its batch "
      "norm and ReLU, and the next layer reads what it read. Where a plain layer changes the shape, what it read is "
      "subsampled and gets zero channels, as shortcut A of a residual network does; Veit et al. avoided the question "
      "by "
      "giving their plain network (VGG) the same number of channels everywhere. The first and the last layer stay.");
  report.method(fmt::format(
      "Nothing is trained again. The changed network is a network of its own and goes through the same evaluation as "
      "`resnet eval`, in single precision, with batch norm's running statistics, on {}. {} draws for each number of "
      "units or pairs.",
      images, setting.draws));
  report.method(fmt::format(
      "Gradient by path length: for each length k, {} images go forward through the whole network; backward, k blocks "
      "drawn at random for each image pass the gradient through their branch only, all others through their shortcut "
      "only. Veit et al. (section 5.1) draw one path for a batch; here each image has its own, for which batch norm "
      "must not mix images and takes its running statistics. All lengths see the same images.",
      setting.paths));
  report.formula({"y_i = y_(i-1) + f_i(y_(i-1));   deleted: y_i = y_(i-1)", "Veit et al. 2016, eq. 1 and section 4.1"});
  report.formula({"dL/dx = sum over all subsets S of blocks of  dL/dy prod_(i in S) df_i/dy_(i-1)",
                  "Veit et al. 2016, section 3, differentiated"});
}

}  // namespace

PathShares shares_of(const LesionedNetwork& network) {
  PathShares shares;
  std::vector<double> logs, x, y;
  for (const PathLength& row : network.paths) {
    logs.push_back(row.mean > 0 ? row.log10_paths + std::log10(row.mean) : -INFINITY);
    if (row.median > 0) {
      x.push_back(static_cast<double>(row.length));
      y.push_back(std::log10(row.median));
    }
  }
  const double top = *std::ranges::max_element(logs);
  double sum = 0;
  for (const double log : logs) sum += shares.share.emplace_back(std::pow(10, log - top));
  for (double& share : shares.share) share /= sum;
  const auto below = [&](double part) {
    double reached = 0;
    for (std::size_t length = 0; length < shares.share.size(); ++length)
      if ((reached += shares.share[length]) >= part) return static_cast<double>(length);
    return static_cast<double>(shares.share.size()) - 1;
  };
  shares.low = below(0.05);
  shares.middle = below(0.5);
  shares.high = below(0.95);
  const Line line = fitted_line(x, y);
  shares.factor = std::pow(10, line.slope);
  shares.correlation = line.correlation;
  return shares;
}

StudyReport lesion_report(const std::vector<LesionedNetwork>& networks, const LesionSetting& setting,
                          const std::string& images) {
  StudyReport report("lesion", "Lesions of trained networks");
  report.question(
      "What becomes of a trained network when parts of it are taken out or exchanged, without training it again? Does "
      "it "
      "matter whether the parts have shortcuts around them?");
  add_lesion_verdict(report, networks);
  add_single(report, networks);
  add_several(report, networks);
  add_paths(report, networks);
  add_numbers(report, networks);
  add_lesion_claims(report, networks);
  add_method(report, setting, images);
  return report;
}

}  // namespace resnet
