#include "train/training_report.hpp"

#include "base/progress.hpp"
#include "models/cost.hpp"
#include "report/charts.hpp"
#include "report/html.hpp"
#include "train/drawing.hpp"
#include "train/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace resnet {
namespace {

std::string percent(double fraction) { return fmt::format("{:.2f} %", 100 * fraction); }

using Pairs = std::vector<std::pair<std::string, std::string>>;

template <class Field>
Series series_of(const std::string& name, const std::vector<MetricsRow>& rows, Field&& field) {
  Series series{.name = name, .x = {}, .y = {}};
  for (const MetricsRow& row : rows)
    if (const std::optional<double> y = field(row)) {
      series.x.push_back(static_cast<double>(row.epoch));
      series.y.push_back(*y);
    }
  return series;
}

void add_highlights(HtmlPage& page, const TrainingReport& report, const NetworkCost& cost) {
  Pairs items;
  if (!report.rows.empty() && report.rows.back().top1) {
    const auto best = std::ranges::max_element(report.rows, {}, [](const MetricsRow& row) { return row.top1; });
    items.push_back({report.test_name + " top-1, last epoch", percent(*report.rows.back().top1)});
    items.push_back({fmt::format("best (epoch {})", best->epoch), percent(best->top1.value_or(0))});
  }
  items.push_back({"parameters", with_thousands(cost.parameters)});
  items.push_back({"multiply-adds an image", with_suffix(static_cast<double>(cost.macs))});
  if (report.images_per_second > 0)
    items.push_back({"images/s in training", fmt::format("{:.0f}", report.images_per_second)});
  page.highlights(items);
  if (!report.failure.empty())
    page.paragraph("It failed. " + report.failure);
  else if (report.steps_done < report.steps)
    page.paragraph(fmt::format("{} of {} steps are done; if the training has stopped, `resnet resume` continues it.",
                               report.steps_done, report.steps));
}

void add_curves(HtmlPage& page, const TrainingReport& report) {
  page.section("Curves");
  if (report.rows.empty()) page.paragraph("No epoch has ended yet.");
  if (!report.rows.empty()) {
    using Optional = std::optional<double>;
    page.figure(
        draw(LineChart{
            .title = "Loss",
            .x_label = "epoch",
            .y_label = "cross-entropy",
            .series = {series_of("training", report.rows, [](const MetricsRow& r) { return Optional(r.train_loss); }),
                       series_of(report.test_name, report.rows, [](const MetricsRow& r) { return r.val_loss; })}}),
        "Mean over the epoch for training, after the epoch otherwise.");
    std::vector<Series> accuracies = {
        series_of("training top-1", report.rows, [](const MetricsRow& r) { return Optional(r.train_top1); }),
        series_of(report.test_name + " top-1", report.rows, [](const MetricsRow& r) { return r.top1; })};
    if (report.rows.back().top5)
      accuracies.push_back(
          series_of(report.test_name + " top-5", report.rows, [](const MetricsRow& r) { return r.top5; }));
    for (Series& series : accuracies)
      for (double& y : series.y) y *= 100;
    page.figure(
        draw(LineChart{.title = "Accuracy", .x_label = "epoch", .y_label = "accuracy (%)", .series = accuracies}),
        "Training images are augmented and counted while the weights change.");
  }
  Series rate{.name = "learning rate", .x = {}, .y = report.learning_rates};
  for (std::size_t k = 0; k < rate.y.size(); ++k)
    rate.x.push_back(static_cast<double>(k) * static_cast<double>(report.steps - 1) /
                     static_cast<double>(std::max<std::size_t>(rate.y.size() - 1, 1)));
  page.figure(
      draw(LineChart{.title = "Learning rate", .x_label = "step", .y_label = "learning rate", .series = {rate}}),
      report.gentle_steps > 0 ? fmt::format("Schedule of the recipe {} after a gentle start of {} steps.",
                                            report.config.recipe.name, report.gentle_steps)
                              : fmt::format("Schedule of the recipe {}.", report.config.recipe.name));
}

void add_evaluation(HtmlPage& page, const TrainingReport& report) {
  if (!report.evaluation) return;
  const EvaluationResult& evaluation = *report.evaluation;
  page.section("What it gets right and wrong");
  page.figure(draw(confusion_matrix(evaluation.confusion, evaluation.classes)),
              fmt::format("All {} images of the {} part, after the last epoch: rows are the truth, columns the "
                          "prediction.",
                          evaluation.count, report.test_name),
              true);
  if (!report.test) return;
  const Shape image = report.test->image_shape();
  const std::size_t count = std::min<std::size_t>(evaluation.predicted.size(), shown_images);
  std::vector<std::vector<uint8_t>> pixels(count, std::vector<uint8_t>(static_cast<std::size_t>(image.elements())));
  std::vector<GalleryItem> items;
  for (std::size_t k = 0; k < count; ++k) {
    report.test->read(evaluation.shown[k], pixels[k]);
    const auto truth = static_cast<std::size_t>(report.test->label(evaluation.shown[k]));
    const std::string& name = report.test->classes()[truth];
    const std::string& predicted = evaluation.classes[static_cast<std::size_t>(evaluation.predicted[k])];
    items.push_back({.image = {.channels = static_cast<int>(image[0]),
                               .height = static_cast<int>(image[1]),
                               .width = static_cast<int>(image[2]),
                               .pixels = pixels[k]},
                     .title = fmt::format("{} {:.0f} %", predicted, 100 * evaluation.confidence[k]),
                     .caption = "truth: " + name,
                     .mark = predicted == name ? Mark::right : Mark::wrong});
  }
  if (image[0] == 1 || image[0] == 3) page.gallery(items);
}

void add_training_images(HtmlPage& page, const TrainingReport& report) {
  const ImageSize& input = report.model.input;
  if (report.training.empty() || (input.channels != 1 && input.channels != 3)) return;
  page.section("What it is trained on");
  page.paragraph("Augmentation: " + report.augmentation + ".");
  if (!report.class_weights.empty())
    page.paragraph("Weights of the classes in the loss: " + report.class_weights + ".");
  if (report.config.recipe.balanced_sampling) page.paragraph("An epoch shows as many images of each class.");
  std::vector<GalleryItem> items;
  for (const TrainingImage& image : report.training)
    items.push_back(
        {.image = {.channels = input.channels, .height = input.height, .width = input.width, .pixels = image.pixels},
         .title = image.caption,
         .caption = {}});
  page.gallery(items);
}

void add_network(HtmlPage& page, const TrainingReport& report) {
  page.section("Network");
  page.paragraph(describe(report.model));
  page.figure(draw(drawing_of(report.model)),
              "From the image at the top to the classes at the bottom; dashed shortcuts change the shape.", true);
}

void add_making(HtmlPage& page, const TrainingReport& report) {
  page.section("How it was made");
  if (report.command.find_first_not_of('\n') != std::string::npos) page.preformatted(report.command);
  const TimeSplit& time = report.time;
  page.facts({{"training steps", duration_text(time.compute)},
              {"waiting for images", fmt::format("{:.1f} s", time.loading)},
              {"evaluation", duration_text(time.evaluation)},
              {"saving", fmt::format("{:.1f} s", time.saving)},
              {"sampling health", fmt::format("{:.1f} s", time.health)},
              {"steps done", fmt::format("{} of {}", report.steps_done, report.steps)}});
  page.preformatted(to_toml(report.config), "Configuration (config.toml)");
  Pairs environment = report.environment;
  environment.push_back({"instruction set of the run", report.config.instruction_set});
  page.facts(environment);
}

}  // namespace

void write_report(const RunDirectory& run, const TrainingReport& report) {
  const NetworkCost cost = network_cost(report.model);
  HtmlPage page(report.model.name + " on " + report.config.data, fmt::format("seed {}", report.config.seed));
  add_highlights(page, report, cost);
  add_curves(page, report);
  add_samples(page, report.samples, report.config.diagnose_every);
  add_evaluation(page, report);
  add_training_images(page, report);
  add_network(page, report);
  add_making(page, report);
  write_file(run.report(), page.text());
}

}  // namespace resnet
