#include "study/landscape/claims.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace resnet {
namespace {

constexpr double percent = 100;
// Li et al. saw plain networks of 20 layers as benign and of 56 as chaotic.
constexpr std::size_t deep_network = 50;
// Of the loss of guessing: what is above is no solution, and the surface around it says nothing of those of solutions.
constexpr double solution = 0.25;

/// A quarter more is more; what lies between is no difference on one plane.
Finding larger(double a, double b) {
  if (a > 1.25 * b) return Finding::holds;
  return b > 1.25 * a ? Finding::fails : Finding::undecided;
}

/// Networks with as many layers, with or without shortcuts.
struct Family {
  std::vector<const SurroundedNetwork*> members = {};

  double mean(double PlaneSummary::*number) const {
    double sum = 0;
    for (const SurroundedNetwork* network : members) sum += network->summary.*number;
    return sum / static_cast<double>(members.size());
  }
  /// "plain56, plain56 (2)"
  std::string names() const {
    std::vector<std::string> names;
    for (const SurroundedNetwork* network : members) names.push_back(network->name);
    return fmt::format("{}", fmt::join(names, ", "));
  }
};

struct Rivals {
  std::size_t layers = 0;
  Family plain = {}, residual = {};
};

/// Plain and residual networks of one depth for as many classes, where there are both.
std::vector<Rivals> rivals_in(const LandscapeResult& result) {
  std::map<std::pair<std::size_t, std::size_t>, Rivals> kinds;
  for (const SurroundedNetwork& network : result.networks) {
    Rivals& rivals = kinds[{network.layers, network.classes}];
    rivals.layers = network.layers;
    (network.residual ? rivals.residual : rivals.plain).members.push_back(&network);
  }
  std::vector<Rivals> both;
  for (const auto& [kind, rivals] : kinds)
    if (!rivals.plain.members.empty() && !rivals.residual.members.empty()) both.push_back(rivals);
  return both;
}

/// Why networks of one depth decide nothing; empty if they do.
std::string undecided_since(const Rivals& rivals) {
  if (rivals.layers < deep_network)
    return fmt::format("Not decided: said of networks of {} layers and more.", deep_network);
  for (const Family* family : {&rivals.plain, &rivals.residual})
    for (const SurroundedNetwork* network : family->members) {
      const double most = solution * std::log(static_cast<double>(network->classes));
      if (!(network->plane.centre().loss <= most))
        return fmt::format(
            "Not decided: {} is no solution, its loss of {:.3g} is above {:.3g}, a quarter of that of guessing.",
            network->name, network->plane.centre().loss, most);
    }
  return "";
}

void claim_of_shortcuts(StudyReport& report, const LandscapeResult& result) {
  for (const Rivals& rivals : rivals_in(result)) {
    const Family &plain = rivals.plain, &residual = rivals.residual;
    const std::string undecided = undecided_since(rivals);
    const auto claim = [&](const char* statement, const std::string& found, Finding finding) {
      report.verdict(found);
      report.claim({"Li et al. 2018, section 5.1", statement, undecided.empty() ? found : found + " " + undecided,
                    undecided.empty() ? finding : Finding::undecided});
    };
    const double bent_plain = plain.mean(&PlaneSummary::bent_down),
                 bent_residual = residual.mean(&PlaneSummary::bent_down);
    claim(
        "Without shortcuts the surface of a deep network turns from nearly convex to chaotic; shortcuts prevent that.",
        fmt::format("{} layers: without shortcuts the surface bends down at {:.1f} % of the inner points ({}), with "
                    "them at {:.1f} % ({}).",
                    rivals.layers, percent * bent_plain, plain.names(), percent * bent_residual, residual.names()),
        larger(bent_plain, bent_residual));
    const double low_plain = plain.mean(&PlaneSummary::low_part), low_residual = residual.mean(&PlaneSummary::low_part);
    claim("Deep networks with shortcuts have wider minima.",
          fmt::format("{} layers: with shortcuts the loss stays below that of guessing on {:.1f} % of the plane, "
                      "without them on {:.1f} %.",
                      rivals.layers, percent * low_residual, percent * low_plain),
          larger(low_residual, low_plain));
    if (!undecided.empty()) report.verdict(undecided);
  }
}

void claim_of_statistics(StudyReport& report, const LandscapeResult& result) {
  for (const LossLine& line : result.lines) {
    const auto kept = barrier_of(line.steps, line.interpolated), fresh = barrier_of(line.steps, line.recomputed);
    if (!kept || !fresh) continue;
    report.claim(
        {"Jordan et al. 2022 (REPAIR)",
         "Between two solutions much of the barrier comes from batch norm's statistics and vanishes when they are "
         "recomputed.",
         fmt::format("{} to {}: {:.3g} with interpolated statistics, {:.3g} with recomputed ones.", line.from, line.to,
                     *kept, *fresh),
         *fresh < 0.5 * *kept ? Finding::holds : Finding::fails});
  }
}

}  // namespace

void add_claims(StudyReport& report, const LandscapeResult& result) {
  claim_of_shortcuts(report, result);
  claim_of_statistics(report, result);
}

}  // namespace resnet
