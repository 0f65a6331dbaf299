#include "study/lesion/findings.hpp"

#include "study/lesion/report.hpp"
#include "study/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace resnet {
namespace {

constexpr double percent = 100;
// What counts as little and as destroyed: parts of the accuracy above chance that are left at the median.
constexpr double little = 0.9, destroyed = 0.25;

const char* veit = "Veit et al. 2016, ";

std::string unlearnt_text(const LesionedNetwork& network) {
  return fmt::format("{} errs on {:.1f} % of the images before anything is deleted: there is nothing to lose.",
                     network.name, percent * network.whole.error);
}

double median_error(const std::vector<SingleLesion>& rows, bool resamples) {
  std::vector<double> errors;
  for (const SingleLesion& row : rows)
    if (row.resamples == resamples) errors.push_back(row.score.error);
  return quartiles(errors).median;
}

void claim_of_single(StudyReport& report, const LesionedNetwork& network) {
  const SingleSummary single = single_summary(network);
  const bool holds = network.residual ? single.median_kept >= little : single.median_kept <= destroyed;
  report.claim(
      {text_of(veit, "4.1"),
       network.residual ? "Removing one block of a residual network at test time does not noticeably change its error."
                        : "Removing one layer of a plain network (VGG) brings its error to that of chance.",
       !network.learnt()
           ? unlearnt_text(network)
           : fmt::format("{}: error {:.1f} % whole, {:.1f} % at the median without one {}, {:.1f} % at worst ({}); "
                         "{:.0f} % of the accuracy above chance is left at the median.",
                         network.name, percent * network.whole.error, percent * single.median,
                         network.residual ? "block" : "layer", percent * single.worst, single.worst_name,
                         percent * single.median_kept),
       !network.learnt() ? Finding::undecided
       : holds           ? Finding::holds
                         : Finding::fails});
}

void claim_of_resampling(StudyReport& report, const LesionedNetwork& network) {
  const double other = median_error(network.single, false), resampling = median_error(network.single, true);
  if (std::isnan(other) || std::isnan(resampling) || !network.learnt()) return;
  report.claim({text_of(veit, "4.1"), "Removing a downsampling block has a higher impact on performance.",
                fmt::format("{}: error {:.1f} % without such a block, {:.1f} % without another one (medians).",
                            network.name, percent * resampling, percent * other),
                resampling > other ? Finding::holds : Finding::fails});
}

/// The largest step between the medians of neighbouring numbers of units, as a part of the whole rise.
void claim_of_several(StudyReport& report, const LesionedNetwork& network) {
  std::map<int64_t, std::vector<double>> by_count{{0, {network.whole.error}}};
  for (const SingleLesion& row : network.single) by_count[1].push_back(row.score.error);
  for (const DrawnLesion& row : network.several) by_count[row.count].push_back(row.score.error);
  if (by_count.size() < 4 || !network.learnt()) return;
  std::vector<double> medians;
  for (const auto& [count, errors] : by_count) medians.push_back(quartiles(errors).median);
  double largest = 0;
  for (std::size_t k = 1; k < medians.size(); ++k) largest = std::max(largest, medians[k] - medians[k - 1]);
  const double rise = std::ranges::max(medians) - medians.front(), part = rise > 0 ? largest / rise : 1;
  report.claim(
      {text_of(veit, "4.2"), "The error of a residual network grows smoothly with the number of deleted blocks.",
       fmt::format("{}: the largest step from one number of deleted blocks to the next one tried is {:.0f} % of "
                   "the whole rise, from {:.1f} to {:.1f} % error.",
                   network.name, percent * part, percent * medians.front(), percent * std::ranges::max(medians)),
       part <= 0.5 ? Finding::holds : Finding::fails});
}

void claim_of_exchanges(StudyReport& report, const LesionedNetwork& network) {
  if (network.exchanged.size() < fewest_for_interval || !network.learnt()) return;
  std::vector<double> tau, error;
  for (const DrawnLesion& row : network.exchanged) {
    tau.push_back(row.tau);
    error.push_back(row.score.error);
  }
  const double correlation = fitted_line(tau, error).correlation;
  report.claim(
      {text_of(veit, "4.3"), "The error grows smoothly with the amount by which blocks are reordered.",
       fmt::format("{}: over {} orders the error has a correlation of {:.2f} with Kendall's tau, which is 1 for "
                   "the trained order.",
                   network.name, network.exchanged.size(), correlation),
       correlation <= -0.5 ? Finding::holds : Finding::fails});
}

void claims_of_paths(StudyReport& report, const LesionedNetwork& network) {
  if (network.paths.size() < 4) return;
  const PathShares shares = shares_of(network);
  const double half = static_cast<double>(network.units) / 2;
  report.claim(
      {text_of(veit, "5.1"), "The gradient through a path shrinks exponentially with the blocks on it.",
       fmt::format("{}: the median is multiplied by {:.3g} for each block more; its logarithm has a correlation of "
                   "{:.3f} with the length.",
                   network.name, shares.factor, shares.correlation),
       shares.factor < 1 && shares.correlation <= -0.9 ? Finding::holds : Finding::fails});
  report.claim(
      {text_of(veit, "5.1"),
       "Most gradient comes from paths much shorter than the network: in ResNet-110, of 54 blocks, from paths through "
       "5 to "
       "17 of them, where the mean path goes through 27.",
       fmt::format(
           "{}: 90 % of the gradient comes from paths through {:.0f} to {:.0f} of {} blocks; half of it from paths "
           "of up to {:.0f}, where the mean path goes through {:.1f}.",
           network.name, shares.low, shares.high, network.units, shares.middle, half),
       shares.high < half      ? Finding::holds
       : shares.middle >= half ? Finding::fails
                               : Finding::undecided});
}

}  // namespace

SingleSummary single_summary(const LesionedNetwork& network) {
  SingleSummary summary;
  std::vector<double> errors, kept;
  for (const SingleLesion& row : network.single) {
    errors.push_back(row.score.error);
    kept.push_back(network.kept(row.score));
    if (summary.worst_name.empty() || row.score.error > summary.worst) {
      summary.worst = row.score.error;
      summary.worst_name = row.name;
    }
  }
  summary.median = quartiles(errors).median;
  summary.median_kept = quartiles(kept).median;
  return summary;
}

void add_lesion_verdict(StudyReport& report, const std::vector<LesionedNetwork>& networks) {
  for (const LesionedNetwork& network : networks) {
    if (!network.learnt()) {
      report.verdict(unlearnt_text(network));
      continue;
    }
    const SingleSummary single = single_summary(network);
    const char* effect = single.median_kept >= little      ? "changes little"
                         : single.median_kept <= destroyed ? "destroys it"
                                                           : "hurts it";
    report.highlight(fmt::format("{}, one {} deleted", network.name, network.residual ? "block" : "layer"),
                     fmt::format("{:.1f} % error", percent * single.median));
    report.verdict(
        fmt::format("{}: deleting one of its {} {} {}: the error goes from {:.1f} % to {:.1f} % at the median and to "
                    "{:.1f} % at worst "
                    "({}).",
                    network.name, network.units, network.residual ? "blocks" : "layers", effect,
                    percent * network.whole.error, percent * single.median, percent * single.worst, single.worst_name));
    if (network.paths.empty()) continue;
    const PathShares shares = shares_of(network);
    report.verdict(
        fmt::format("{}: 90 % of its gradient comes from paths through {:.0f} to {:.0f} of the {} blocks; the gradient "
                    "through one path "
                    "is multiplied by {:.2g} with each block that it takes.",
                    network.name, shares.low, shares.high, network.units, shares.factor));
  }
}

void add_lesion_claims(StudyReport& report, const std::vector<LesionedNetwork>& networks) {
  for (const LesionedNetwork& network : networks) {
    claim_of_single(report, network);
    if (!network.residual) continue;
    claim_of_resampling(report, network);
    claim_of_several(report, network);
    claim_of_exchanges(report, network);
    claims_of_paths(report, network);
  }
}

std::string lesion_lines(const std::vector<LesionedNetwork>& networks, const StudyReport& report) {
  Table table({{"network"},
               {"units"},
               {"error %", Align::right},
               {"one deleted", Align::right},
               {"worst", Align::right},
               {"its unit"}});
  for (const LesionedNetwork& network : networks) {
    const SingleSummary single = single_summary(network);
    table.row({network.name, fmt::format("{} {}", network.units, network.residual ? "blocks" : "layers"),
               fmt::format("{:.1f}", percent * network.whole.error), fmt::format("{:.1f}", percent * single.median),
               fmt::format("{:.1f}", percent * single.worst), single.worst_name});
  }
  std::string text = to_text(table) + "\n";
  for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
  return text;
}

}  // namespace resnet
