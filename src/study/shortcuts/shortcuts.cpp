// Study "shortcuts": its options, its trainings, and its results as JSON.
#include "study/shortcuts/shortcuts.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "models/cost.hpp"
#include "study/declare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <sstream>

namespace resnet {
namespace {

using Variants = std::vector<const ShortcutVariant*>;

const ShortcutVariant& find_variant(const std::string& name) {
  std::vector<std::string> names;
  for (const ShortcutVariant& variant : shortcut_variants()) {
    if (variant.name == name) return variant;
    names.emplace_back(variant.name);
  }
  std::string known;
  for (const std::string& one : names) known += (known.empty() ? "" : ", ") + one;
  fail_usage("--variants: unknown variant '", name, "'", did_you_mean(name, names), "; there are all, ", known);
}

/// The original is always among them: the others are held against it.
Variants chosen_variants(const ShortcutOptions& options) {
  Variants variants = {&shortcut_variants().front()};
  const auto add = [&](const ShortcutVariant& variant) {
    if (std::ranges::find(variants, &variant) == variants.end()) variants.push_back(&variant);
  };
  std::istringstream stream(options.variants);
  for (std::string name; std::getline(stream, name, ',');) {
    if (name != "all") add(find_variant(name));
    if (name == "all")
      for (const ShortcutVariant& variant : shortcut_variants()) add(variant);
  }
  return variants;
}

void check_options(const ShortcutOptions& options) {
  chosen_variants(options);
  if (options.depth % 6 != 2) fail_usage("--depth: expected 8, 14, 20, 26 or another 6n + 2, got ", options.depth);
  if (find_model(text_of("resnet", options.depth)).input.height != 32)
    fail_usage("--depth: resnet", options.depth, " is a network for ImageNet; choose another depth");
}

/// Seed by seed: a study that is stopped early has something to say of every variant.
std::vector<Training> queue_of(const ShortcutOptions& options, const Variants& variants, uint64_t first_seed) {
  std::vector<std::vector<Training>> by_variant;
  for (const ShortcutVariant* variant : variants) {
    const ModelSpec spec = variant_of(*variant, static_cast<int>(options.depth));
    by_variant.push_back(trainings_of(options.training, spec.name, first_seed));
    for (Training& training : by_variant.back()) training.request.spec = spec;
  }
  std::vector<Training> queue;
  for (std::size_t seed = 0; seed < by_variant.front().size(); ++seed)
    for (const std::vector<Training>& trainings : by_variant) queue.push_back(trainings[seed]);
  return queue;
}

double percent_wrong(double accuracy) { return 100 * (1 - accuracy); }

VariantResult result_of(const ShortcutVariant& variant, std::vector<Trained> runs) {
  VariantResult result{.variant = &variant,
                       .spec = spec_from_json(runs.front().config.model_spec),
                       .parameters = 0,
                       .macs = 0,
                       .runs = std::move(runs),
                       .train_errors = {},
                       .test_errors = {}};
  const NetworkCost cost = network_cost(result.spec);
  result.parameters = cost.parameters;
  result.macs = cost.macs;
  for (const Trained& run : result.runs) {
    if (!run.failure.empty() || run.rows.empty()) continue;
    result.train_errors.push_back(percent_wrong(run.rows.back().train_top1));
    result.test_errors.push_back(percent_wrong(run.rows.back().top1.value_or(0)));
  }
  return result;
}

ShortcutResult train_variants(const ShortcutOptions& options, StudyRun& run) {
  const Variants variants = chosen_variants(options);
  TrainedRuns trained = train_all(run, options.training, queue_of(options, variants, run.seed()));
  ShortcutResult result{.data_name = trained.data_name, .test_name = trained.test_name, .variants = {}};
  for (std::size_t variant = 0; variant < variants.size(); ++variant) {
    std::vector<Trained> runs;
    for (std::size_t index = variant; index < trained.runs.size(); index += variants.size())
      runs.push_back(std::move(trained.runs[index]));
    result.variants.push_back(result_of(*variants[variant], std::move(runs)));
  }
  return result;
}

Json results_of(const ShortcutOptions& options, const ShortcutResult& result) {
  Json variants = Json::array();
  for (const VariantResult& one : result.variants) {
    Json runs = Json::array();
    for (const Trained& run : one.runs) {
      Json row = {{"run", run.name}, {"seed", run.config.seed}};
      row["train_error"] = run.rows.empty() ? Json() : Json(percent_wrong(run.rows.back().train_top1));
      row["test_error"] = run.rows.empty() ? Json() : Json(percent_wrong(run.rows.back().top1.value_or(0)));
      if (!run.failure.empty()) row["failed"] = true;
      runs.push_back(std::move(row));
    }
    variants.push_back({{"variant", one.variant->name},
                        {"network", one.spec.name},
                        {"structure", describe(one.spec)},
                        {"parameters", one.parameters},
                        {"macs", one.macs},
                        {"train_error", to_json(spread_of(one.train_errors))},
                        {"test_error", to_json(spread_of(one.test_errors))},
                        {"published_resnet110", one.variant->published},
                        {"runs", std::move(runs)}});
  }
  return {{"data", result.data_name},
          {"test_part", result.test_name},
          {"depth", options.depth},
          {"recipe", options.training.recipe},
          {"precision", std::string(name_of(training_precision(options.training)))},
          {"variants", std::move(variants)}};
}

std::string text_of_result(const ShortcutResult& result, const StudyReport& report) {
  Table table({{"variant"},
               {"training error %", Align::right},
               {result.test_name + " error %", Align::right},
               {"published, ResNet-110", Align::right}});
  for (const VariantResult& one : result.variants)
    table.row({one.variant->title, text_of_spread(spread_of(one.train_errors)),
               text_of_spread(spread_of(one.test_errors)), one.variant->published});
  std::string text = to_text(table) + "\n";
  for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
  return text;
}

}  // namespace

StudyAction declare_shortcuts(StudyOptions& options) {
  const auto chosen = std::make_shared<ShortcutOptions>();
  std::string names = "all";
  for (const ShortcutVariant& variant : shortcut_variants()) names += text_of(", ", variant.name);
  options.whole("--depth", chosen->depth, 8, 1202, "layers of the networks: 6n + 2");
  options.text("--variants", chosen->variants, "NAME,NAME,...", "which of " + names);
  options.require([chosen] { check_options(*chosen); });
  declare_training_options(options, chosen->training);
  return [chosen](StudyRun& run) {
    const ShortcutResult result = train_variants(*chosen, run);
    StudyReport report = shortcut_report(*chosen, result);
    std::string text = text_of_result(result, report);
    return StudyOutcome{results_of(*chosen, result), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
