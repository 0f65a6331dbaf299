// Study "identity": its options, its results as JSON, and what it prints.
#include "study/identity.hpp"

#include "base/error.hpp"
#include "study/declare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

namespace resnet {
namespace {

void check_depths(const IdentityOptions& options) {
  std::set<int64_t> seen;
  for (const int64_t depth : options.depths) {
    if (!seen.insert(depth).second) fail_usage("--depths: ", depth, " comes twice");
    if (options.count == "layers" && depth % 2 == 1)
      fail_usage("--depths: a residual network has an even number of layers (two, and two for each block), got ", depth,
                 "; take an even number, or --count blocks");
  }
}

Json to_json(const IdentityScaling& scaling) {
  Json branches = Json::array();
  for (const BranchErrors& branch : scaling.branches) {
    Json relative = Json::array();
    for (const Summary& summary : branch.relative) relative.push_back(to_json(summary));
    branches.push_back({{"layers", branch.layers},
                        {"slope", branch.slope},
                        {"trial_slope", to_json(branch.trial_slope)},
                        {"relative_error", std::move(relative)}});
  }
  return {{"input_norm", to_json(scaling.input_norm)},
          {"output_norm", to_json(scaling.output_norm)},
          {"identity_error", to_json(scaling.error)},
          {"relative_error", to_json(scaling.relative)},
          {"scales", scaling.scales},
          {"branches", std::move(branches)}};
}

/// Median and quartiles over the seeds at each point.
Json curve_of(const LearnedIdentity& learned) {
  Json curve = Json::array();
  for (std::size_t point = 0; point < learned.steps.size(); ++point) {
    const Summary at = learned.at_point(point);
    curve.push_back({{"step", learned.steps[point]}, {"median", at.median}, {"q1", at.q1}, {"q3", at.q3}});
  }
  return curve;
}

Json to_json(const IdentityResult& result, std::size_t index, uint64_t seed) {
  const LearnedIdentity& learned = result.learned[index];
  Json tuning = Json::array();
  for (const IdentityTuning& tried : learned.tuning)
    tuning.push_back({{"learning_rate", tried.rate}, {"largest_error", tried.largest}, {"median_error", tried.median}});
  Json json = {{"kind", name_of(learned.kind)}, {"depth", learned.depth},
               {"layers", learned.layers},      {"parameters", learned.parameters},
               {"learning_rate", learned.rate}, {"error", to_json(learned.summary(seed))},
               {"diverged", learned.diverged()}};
  if (learned.kind != IdentityKind::plain) {
    const IdentityComparison comparison = compare(result.plain_at(learned.depth), learned, seed);
    json["better_than_plain"] = comparison.better;
    json["log10_plain_over_this"] = to_json(comparison.log_ratio);
    json["branch_at_start"] = to_json(quartiles(learned.branch_at_start));
    json["branch_at_end"] = to_json(quartiles(learned.branch_at_end));
  }
  json["curve"] = curve_of(learned);
  json["tuning"] = std::move(tuning);
  return json;
}

Json to_json(const IdentityResult& result, uint64_t seed) {
  Json learned = Json::array();
  for (std::size_t index = 0; index < result.learned.size(); ++index) learned.push_back(to_json(result, index, seed));
  return {{"block", to_json(result.scaling)}, {"learning", std::move(learned)}};
}

std::string text_of_result(const IdentityOptions& options, const IdentityResult& result, const StudyReport& report,
                           uint64_t seed) {
  std::string text = fmt::format(
      "A block with weights times {}: |F(x)| / |x|, and the slope of the error over scale\n\n", options.scale);
  text += to_text(scaling_table(result.scaling)) + "\nLearning the identity\n\n";
  text += to_text(learning_table(result, seed)) + "\n" + learning_note(result) + "\n\n";
  for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
  return text;
}

}  // namespace

StudyAction declare_identity(StudyOptions& options) {
  const auto identity = std::make_shared<IdentityOptions>();
  options.whole("--trials", identity->trials, 1, 1'000'000, "blocks drawn to measure how near the identity they are");
  options.whole("--width", identity->width, 1, 512,
                "numbers in an input and units in a block; networks that learn have twice as many units");
  options.real("--scale", identity->scale, 0, 1, "of the weights of blocks that are nearly the identity");
  options.whole("--seeds", identity->seeds, 1, 100'000, "networks trained of each kind at each depth");
  options.wholes("--depths", identity->depths, 2, 1000, "depths of the networks that learn");
  options.choice("--count", identity->count, {"layers", "blocks"},
                 "what the depth of a residual network counts: layers, as in the plain one, or blocks of two layers");
  options.whole("--steps", identity->steps, 1, 1'000'000, "steps of each training");
  options.whole("--batch", identity->batch, 1, 4096, "inputs in a step");
  options.require([identity] { check_depths(*identity); });
  return [identity](StudyRun& run) {
    const IdentityResult result{measure_identity_scaling(*identity, run), learn_identities(*identity, run)};
    StudyReport report = identity_report(*identity, result, run.seed());
    std::string text = text_of_result(*identity, result, report, run.seed());
    return StudyOutcome{to_json(result, run.seed()), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
