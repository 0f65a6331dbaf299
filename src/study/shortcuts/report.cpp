// The page of study "shortcuts": the variants group by group, beside the errors that the papers give.
#include "base/text.hpp"
#include "study/shortcuts/shortcuts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

struct Group {
  VariantGroup group;
  const char *file, *title, *text;
};
constexpr Group groups[] = {
    {VariantGroup::options, "options", "Options A, B and C",
     "He et al. 2015, 3.3: the identity with zeros for new channels, 1x1 convolutions where the shape changes, and 1x1 "
     "convolutions everywhere."},
    {VariantGroup::scaling, "scaling", "Scaled and thinned shortcuts",
     "He et al. 2016, 3.1: the identity multiplied by a constant, or thinned by dropout."},
    {VariantGroup::gating, "gating", "Gated shortcuts",
     "He et al. 2016, 3.1: the identity multiplied by 1 - g(x), g(x) = sigmoid(W x + b), and with exclusive gating the "
     "branch by g(x)."},
    {VariantGroup::activation, "activation", "Order of activation",
     "He et al. 2016, section 4: where batch norm and ReLU stand relative to the addition."},
};

const VariantResult& original_of(const ShortcutResult& result) { return result.variants.front(); }

/// The original and the variants of a group.
std::vector<const VariantResult*> members(const ShortcutResult& result, VariantGroup group) {
  std::vector<const VariantResult*> found = {&original_of(result)};
  for (const VariantResult& one : result.variants)
    if (one.variant->group == group && &one != found.front()) found.push_back(&one);
  return found;
}

/// Mean over the runs that came so far, epoch by epoch.
Series curve_of(const VariantResult& result, bool training) {
  Series series{.name = result.variant->title};
  for (std::size_t epoch = 0;; ++epoch) {
    std::vector<double> errors;
    double step = 0;
    for (const Trained& run : result.runs)
      if (epoch < run.rows.size()) {
        const MetricsRow& row = run.rows[epoch];
        errors.push_back(100 * (1 - (training ? row.train_top1 : row.top1.value_or(0))));
        step = static_cast<double>(row.step);
      }
    if (errors.empty()) return series;
    const Spread spread = spread_of(errors);
    series.x.push_back(step);
    series.y.push_back(spread.mean);
  }
}

std::string curves(const std::vector<const VariantResult*>& variants, const std::string& title, bool training) {
  LineChart chart{.title = title, .x_label = "step", .y_label = "error (%)", .y_low = 0};
  for (const VariantResult* one : variants) chart.series.push_back(curve_of(*one, training));
  return draw(chart);
}

std::string bars(const std::vector<const VariantResult*>& variants) {
  BarChart chart{.title = "Errors at the end", .y_label = "error (%)", .width = 1100};
  BarGroup train{.name = "training"}, test{.name = "test"};
  for (const VariantResult* one : variants) {
    chart.categories.push_back(one->variant->name);
    const Spread of_train = spread_of(one->train_errors), of_test = spread_of(one->test_errors);
    train.values.push_back(of_train.mean);
    test.values.push_back(of_test.mean);
    train.deviation.push_back(of_train.deviation);
    test.deviation.push_back(of_test.deviation);
  }
  chart.groups = {train, test};
  return draw(chart);
}

void add_group(StudyReport& report, const ShortcutResult& result, const Group& group) {
  const std::vector<const VariantResult*> variants = members(result, group.group);
  if (variants.size() < 2) return;
  report.section(group.title, group.text);
  report.figure(text_of(group.file, "-training"), curves(variants, "Training error", true),
                "Mean over the seeds, of the augmented images over each epoch.");
  report.figure(text_of(group.file, "-test"), curves(variants, "Test error", false), "Mean over the seeds.");
  report.figure(text_of(group.file, "-end"), bars(variants),
                "After the last epoch; lines: ± one standard deviation over the seeds, where there are several.", true);
  Table table({{"variant"},
               {"a block computes"},
               {"parameters", Align::right},
               {"runs", Align::right},
               {"training error %", Align::right},
               {"test error %", Align::right},
               {"published %, ResNet-110", Align::right}});
  for (const VariantResult* one : variants)
    table.row({one->variant->title, one->variant->unit, with_thousands(one->parameters),
               std::to_string(one->test_errors.size()), text_of_spread(spread_of(one->train_errors)),
               text_of_spread(spread_of(one->test_errors)), one->variant->published});
  report.table(std::move(table));
}

/// What the paper says of ResNet-110, held against this depth.
void add_claims(StudyReport& report, const ShortcutResult& result) {
  const VariantResult& original = original_of(result);
  for (const VariantResult& one : result.variants) {
    const std::string published = one.variant->published;
    if (&one == &original || published.empty()) continue;
    const bool better = published == "6.37";
    const Finding finding =
        better ? larger(original.test_errors, one.test_errors) : larger(one.test_errors, original.test_errors);
    report.claim(
        {one.variant->group == VariantGroup::activation ? "He et al. 2016, table 2" : "He et al. 2016, table 1",
         fmt::format("{} has a {} test error than the original ({} against 6.61 %, ResNet-110).", one.variant->title,
                     better ? "lower" : "higher", published),
         fmt::format("{} against {} %", text_of_spread(spread_of(one.test_errors)),
                     text_of_spread(spread_of(original.test_errors))),
         finding});
  }
}

void add_verdict(StudyReport& report, const ShortcutOptions& options, const ShortcutResult& result) {
  const VariantResult& original = original_of(result);
  std::vector<const VariantResult*> trained;
  for (const VariantResult& one : result.variants) {
    if (!one.test_errors.empty()) trained.push_back(&one);
    for (const Trained& run : one.runs)
      if (!run.failure.empty()) report.verdict(text_of(run.name, " could not be trained: ", run.failure));
  }
  if (trained.empty()) return;
  const auto error = [](const VariantResult* one) { return spread_of(one->test_errors).mean; };
  const VariantResult* best = *std::ranges::min_element(trained, {}, error);
  const VariantResult* worst = *std::ranges::max_element(trained, {}, error);
  const auto named = [](const VariantResult* one) {
    return fmt::format("{} with {} %", one->variant->title, text_of_spread(spread_of(one->test_errors)));
  };
  report.verdict(fmt::format(
      "Of {} networks of {} layers the lowest test error has {}, the highest {}; the original has {} %.",
      trained.size(), options.depth, named(best), named(worst), text_of_spread(spread_of(original.test_errors))));
  std::string worse;
  for (const VariantResult* one : trained)
    if (larger(one->test_errors, original.test_errors) == Finding::holds)
      worse += (worse.empty() ? "" : ", ") + std::string(one->variant->title);
  if (options.training.seeds < 3)
    report.verdict("With fewer than three seeds no difference is claimed.");
  else
    report.verdict(worse.empty() ? "No variant is worse than the original in every training."
                                 : "Worse than the original in every training: " + worse + ".");
  report.highlight("original", text_of_spread(spread_of(original.test_errors)) + " %");
  report.highlight("best: " + std::string(best->variant->title), text_of_spread(spread_of(best->test_errors)) + " %");
  report.highlight("worst: " + std::string(worst->variant->title),
                   text_of_spread(spread_of(worst->test_errors)) + " %");
}

void add_method(StudyReport& report, const ShortcutOptions& options, const ShortcutResult& result) {
  const RunConfig& config = result.variants.front().runs.front().config;
  report.method(
      fmt::format("ResNet-{} for 32x32 images with basic blocks; each variant changes all blocks. Trained on {} images "
                  "of {}, tested "
                  "on {} ({} part), recipe {}, {} images in a step, {} of each. The last epoch counts.",
                  options.depth, config.train.count, result.data_name, config.test.count, result.test_name,
                  config.recipe.name, config.recipe.batch, plural(options.training.seeds, "training")));
  report.method(
      "The published errors are of ResNet-110 on CIFAR-10 after 64,000 steps, medians of 5 runs; a shallow network may "
      "suffer less, since each change is multiplied over the blocks. Gates are 1x1 convolutions with a bias that "
      "starts "
      "at b; option C is the paper's 1x1 convolution shortcut, with batch norm. ReLU-only pre-activation has one more "
      "ReLU before the pooling.");
  report.method(
      "That one variant's error is larger than another's is said to hold if every run of the one is above every run of "
      "the other and there are at least as many runs as make that a chance of one in twenty (three of each).");
  report.method(precision_text(options.training));
  report.formula({"x_L = prod_{l} s_l x_0 + sum_{l} (prod_{k > l} s_k) F_l(x_l)",
                  "He et al. 2016, equation 7: factors s other than 1 on the shortcuts grow or vanish with depth"});
}

}  // namespace

StudyReport shortcut_report(const ShortcutOptions& options, const ShortcutResult& result) {
  StudyReport report("shortcuts", "Shortcuts");
  report.question(
      "Is the plain identity the best shortcut, and does it matter where batch norm and ReLU stand relative to the "
      "addition?");
  add_verdict(report, options, result);
  for (const Group& group : groups) add_group(report, result, group);
  add_claims(report, result);
  add_method(report, options, result);
  return report;
}

}  // namespace resnet
