// Study "patterns": its options, its results as JSON, and what it prints.
#include "study/patterns.hpp"

#include "base/error.hpp"
#include "study/declare.hpp"

#include <memory>

namespace resnet {
namespace {

void check_options(const LineStudyOptions& options) {
  if (options.jitter > options.size / 4)
    fail_usage("--jitter: expected 0 to ", options.size / 4, " (a quarter of --size), got ", options.jitter);
  if (options.layers % 2 == 1)
    fail_usage("--layers: a residual network has an even number of layers (two, and two for each block), got ",
               options.layers);
  if (options.conv_layers % 6 != 2)
    fail_usage("--conv-layers: expected 8, 14, 20 or another 6n + 2, got ", options.conv_layers);
  if (options.batch > options.count)
    fail_usage("--batch: expected at most as many as --count (", options.count, "), got ", options.batch);
}

Json to_json(const LineNetwork& network, uint64_t seed) {
  Json tried = Json::array(), trainings = Json::array();
  for (const RateTried& one : network.tried) tried.push_back({{"learning_rate", one.rate}, {"accuracy", one.accuracy}});
  for (const LineTraining& training : network.trainings)
    trainings.push_back({{"train_loss", training.loss},
                         {"train_accuracy", training.train_accuracy},
                         {"test_accuracy", training.test_accuracy}});
  return {{"network", network.spec.name},
          {"structure", describe(network.spec)},
          {"layers", network.layers},
          {"parameters", network.parameters},
          {"learning_rate", network.rate},
          {"accuracy", to_json(summarise(network.finals(), Rng(seed, "patterns/accuracy")))},
          {"train_loss", to_json(summarise(network.final_losses(), Rng(seed, "patterns/loss")))},
          {"principal_components", {network.look.share_x, network.look.share_y}},
          {"trainings", std::move(trainings)},
          {"tuning", std::move(tried)}};
}

}  // namespace

StudyAction declare_patterns(StudyOptions& options) {
  const auto lines = std::make_shared<LineStudyOptions>();
  options.whole("--size", lines->size, 8, 128, "rows and columns of an image");
  options.whole("--jitter", lines->jitter, 0, 32, "a line moves by up to this many pixels either way");
  options.real("--noise", lines->noise, 0, 10, "standard deviation of the noise; a line is 1 above the ground");
  options.whole("--count", lines->count, 12, 1'000'000, "training images; a quarter as many are for testing");
  options.whole("--layers", lines->layers, 4, 200, "of the fully connected networks");
  options.whole("--width", lines->width, 1, 1024, "units of their hidden layers");
  options.whole("--conv-layers", lines->conv_layers, 8, 200, "of the convolutional networks: 6n + 2");
  options.whole("--seeds", lines->seeds, 1, 1000, "trainings of each network");
  options.whole("--epochs", lines->epochs, 1, 10'000, "of each training");
  options.whole("--batch", lines->batch, 2, 4096, "images in a step");
  options.require([lines] { check_options(*lines); });
  return [lines](StudyRun& run) {
    const std::vector<LineNetwork> networks = train_on_lines(*lines, run);
    StudyReport report = line_report(*lines, networks, run.seed());
    std::string text = to_text(line_table(networks)) + "\n";
    for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
    Json results = {{"networks", Json::array()}};
    for (const LineNetwork& network : networks) results["networks"].push_back(to_json(network, run.seed()));
    return StudyOutcome{std::move(results), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
