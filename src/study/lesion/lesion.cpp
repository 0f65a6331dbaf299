// Study "lesion": trained networks with blocks or layers taken out or exchanged, and gradients by the length of their
// path (Veit et al. 2016, "Residual networks behave like ensembles of relatively shallow networks").
#include "base/error.hpp"
#include "study/declare.hpp"
#include "study/lesion/report.hpp"

#include <fmt/format.h>

#include <memory>

namespace resnet {
namespace {

struct Options {
  std::string weights, data;
  int64_t images = 1000;
  LesionSetting setting;
  std::shared_ptr<const TrainedNetworks> opened = {};
};

StudyOutcome act(const Options& chosen, StudyRun& run) {
  const TrainedNetworks& networks = *chosen.opened;
  networks.pin(run);
  const auto images = TrainedNetworks::some(networks.data().test, chosen.images);
  std::vector<LesionedNetwork> results;
  Json json = Json::array();
  for (const TrainedNetwork& network : networks.list()) {
    results.push_back(measure_lesions(run, network, images, chosen.setting));
    json.push_back(to_json(results.back()));
  }
  const std::string what = fmt::format("{} images of {} ({})", with_thousands(images->size()), networks.data_name(),
                                       networks.data().test_name);
  StudyReport report = lesion_report(results, chosen.setting, what);
  std::string text = lesion_lines(results, report);
  return StudyOutcome{{{"images", images->size()}, {"networks", json}}, std::move(text), std::move(report)};
}

}  // namespace

StudyAction declare_lesion(StudyOptions& options) {
  const auto chosen = std::make_shared<Options>();
  options.text(
      "--weights", chosen->weights, "FILES",
      "trained networks: run directories or model files, with commas between; such as a residual and a plain one");
  options.text("--data", chosen->data, "DATA", "images; by default those of the first run directory");
  options.whole("--images", chosen->images, 0, 1'000'000'000, "of the test part, for each error; 0: all");
  options.whole("--draws", chosen->setting.draws, 1, 10'000, "of units or pairs, for each number of them");
  options.whole("--paths", chosen->setting.paths, 1, 1'000'000, "sampled of each length");
  options.require([chosen = chosen.get()] {
    if (words_of(chosen->weights).empty()) fail_usage("--weights: name at least one trained network");
    chosen->opened = std::make_shared<TrainedNetworks>(words_of(chosen->weights), chosen->data);
    for (const TrainedNetwork& network : chosen->opened->list())
      find_units(forward_graph(network.info.spec, 2, Mode::inference));
  });
  return [chosen](StudyRun& run) { return act(*chosen, run); };
}

}  // namespace resnet
