// Study "degradation": its options, its trainings, and its results as JSON.
#include "study/degradation/degradation.hpp"

#include "base/error.hpp"
#include "models/cost.hpp"
#include "study/declare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <sstream>

namespace resnet {
namespace {

std::vector<std::string> families_of(const DegradationOptions& options) {
  std::vector<std::string> families;
  std::istringstream stream(options.families);
  for (std::string family; std::getline(stream, family, ',');) {
    if (family != "plain" && family != "resnet")
      fail_usage("--families: expected plain, resnet or both with a comma between, got '", family, "'");
    if (std::ranges::find(families, family) == families.end()) families.push_back(family);
  }
  if (families.empty()) fail_usage("--families: expected plain, resnet or both with a comma between");
  return families;
}

std::vector<int> depths_of(const DegradationOptions& options) {
  std::vector<int> depths;
  for (const int64_t depth : options.depths) {
    if (depth % 6 != 2) fail_usage("--depths: expected 8, 14, 20, 26 or another 6n + 2, got ", depth);
    depths.push_back(static_cast<int>(depth));
  }
  std::ranges::sort(depths);
  depths.erase(std::unique(depths.begin(), depths.end()), depths.end());
  return depths;
}

/// The zoo has ImageNet's networks under a few of these names.
void check_options(const DegradationOptions& options) {
  for (const std::string& family : families_of(options))
    for (const int depth : depths_of(options)) {
      const std::string model = text_of(family, depth);
      if (find_model(model).input.height != 32)
        fail_usage("--depths: ", model, " is a network for ImageNet; choose another depth");
    }
}

double percent_wrong(double accuracy) { return 100 * (1 - accuracy); }

/// Epoch by epoch over the runs that came so far.
std::vector<ErrorPoint> curve_of(const std::vector<Trained>& runs) {
  std::vector<ErrorPoint> curve;
  for (std::size_t epoch = 0;; ++epoch) {
    std::vector<double> train, test;
    int64_t step = 0;
    for (const Trained& run : runs) {
      if (epoch >= run.rows.size()) continue;
      const MetricsRow& row = run.rows[epoch];
      step = row.step;
      train.push_back(percent_wrong(row.train_top1));
      if (row.top1) test.push_back(percent_wrong(*row.top1));
    }
    if (train.empty()) return curve;
    curve.push_back({.step = step, .train = spread_of(train), .test = spread_of(test)});
  }
}

DegradationNetwork network_of(const std::string& family, int depth, std::vector<Trained> runs) {
  const ModelSpec spec = spec_from_json(runs.front().config.model_spec);
  DegradationNetwork network{.family = family,
                             .depth = depth,
                             .model = spec.name,
                             .parameters = network_cost(spec).parameters,
                             .runs = std::move(runs),
                             .curve = {},
                             .train_errors = {},
                             .test_errors = {}};
  network.curve = curve_of(network.runs);
  for (const Trained& run : network.runs) {
    if (!run.failure.empty() || run.rows.empty()) continue;
    network.train_errors.push_back(percent_wrong(run.rows.back().train_top1));
    network.test_errors.push_back(percent_wrong(run.rows.back().top1.value_or(0)));
  }
  return network;
}

DegradationResult train_networks(const DegradationOptions& options, StudyRun& run) {
  std::vector<Training> queue;
  // Seed by seed: a study that is stopped early has something to say of every network.
  const std::vector<std::string> families = families_of(options);
  const std::vector<int> depths = depths_of(options);
  TrainingOptions one = options.training;
  one.seeds = 1;
  for (uint64_t seed = run.seed(); seed < run.seed() + static_cast<uint64_t>(options.training.seeds); ++seed)
    for (const std::string& family : families)
      for (const int depth : depths) queue.push_back(trainings_of(one, text_of(family, depth), seed).front());
  const TrainedRuns trained = train_all(run, options.training, queue);
  DegradationResult result{.data_name = trained.data_name, .test_name = trained.test_name, .networks = {}};
  const std::size_t kinds = families.size() * depths.size();
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    std::vector<Trained> runs;
    for (std::size_t index = kind; index < trained.runs.size(); index += kinds) runs.push_back(trained.runs[index]);
    result.networks.push_back(
        network_of(families[kind / depths.size()], depths[kind % depths.size()], std::move(runs)));
  }
  return result;
}

Json results_of(const DegradationOptions& options, const DegradationResult& result) {
  Json networks = Json::array();
  for (const DegradationNetwork& network : result.networks) {
    Json runs = Json::array();
    for (const Trained& run : network.runs) {
      Json one = {{"run", run.name}, {"seed", run.config.seed}, {"epochs", run.rows.size()}};
      one["train_error"] = run.rows.empty() ? Json() : Json(percent_wrong(run.rows.back().train_top1));
      one["test_error"] = run.rows.empty() ? Json() : Json(percent_wrong(run.rows.back().top1.value_or(0)));
      if (!run.failure.empty()) one["failed"] = true;
      runs.push_back(std::move(one));
    }
    const std::optional<double> published = published_error(network.family, network.depth);
    networks.push_back({{"model", network.model},
                        {"family", network.family},
                        {"depth", network.depth},
                        {"parameters", network.parameters},
                        {"train_error", to_json(network.train())},
                        {"test_error", to_json(network.test())},
                        {"published_test_error", published && result.beside_paper() ? Json(*published) : Json()},
                        {"runs", std::move(runs)}});
  }
  return {{"data", result.data_name},
          {"test_part", result.test_name},
          {"recipe", options.training.recipe},
          {"precision", std::string(name_of(training_precision(options.training)))},
          {"networks", std::move(networks)}};
}

std::string text_of_result(const DegradationResult& result, const StudyReport& report) {
  std::vector<Column> columns = {{"network"},
                                 {"runs", Align::right},
                                 {"training error %", Align::right},
                                 {result.test_name + " error %", Align::right}};
  if (result.beside_paper()) columns.push_back({"published test error %", Align::right});
  Table table(std::move(columns));
  for (const DegradationNetwork& network : result.networks) {
    std::vector<std::string> row = {network.model, std::to_string(network.runs.size()), text_of_spread(network.train()),
                                    text_of_spread(network.test())};
    if (result.beside_paper()) row.push_back(published_text(network.family, network.depth));
    table.row(std::move(row));
  }
  std::string text = to_text(table) + "\n";
  for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
  return text;
}

}  // namespace

const DegradationNetwork* DegradationResult::find(const std::string& family, int depth) const {
  const auto found = std::ranges::find_if(
      networks, [&](const DegradationNetwork& network) { return network.family == family && network.depth == depth; });
  return found == networks.end() ? nullptr : &*found;
}

std::string title_of(const std::string& family, int depth) {
  return text_of(family == "plain" ? "plain-" : "ResNet-", depth);
}

StudyAction declare_degradation(StudyOptions& options) {
  const auto chosen = std::make_shared<DegradationOptions>();
  options.wholes("--depths", chosen->depths, 8, 1202, "layers of the networks: 6n + 2");
  options.text("--families", chosen->families, "plain,resnet", "which networks");
  options.require([chosen] { check_options(*chosen); });
  declare_training_options(options, chosen->training);
  return [chosen](StudyRun& run) {
    const DegradationResult result = train_networks(*chosen, run);
    StudyReport report = degradation_report(*chosen, result);
    std::string text = text_of_result(result, report);
    return StudyOutcome{results_of(*chosen, result), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
