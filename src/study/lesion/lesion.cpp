// Study "lesion": trained networks with blocks or layers taken out or exchanged, and gradients by the length of their
// path (Veit et al. 2016, "Residual networks behave like ensembles of relatively shallow networks").
#include "study/declare.hpp"
#include "study/lesion/report.hpp"
#include "study/network_choice.hpp"

#include <fmt/format.h>

#include <memory>

namespace resnet {
namespace {

struct Options {
  NetworkChoice networks;
  int64_t images = 1000;
  LesionSetting setting;
};

StudyOutcome act(const Options& chosen, StudyRun& run) {
  const std::shared_ptr<const TrainedNetworks> opened = networks_of(run, chosen.networks);
  const TrainedNetworks& networks = *opened;
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
  report.method(origin_text(chosen.networks));
  std::string text = lesion_lines(results, report);
  return StudyOutcome{{{"images", images->size()}, {"networks", json}}, std::move(text), std::move(report)};
}

}  // namespace

StudyAction declare_lesion(StudyOptions& options) {
  const auto chosen = std::make_shared<Options>();
  declare_network_choice(options, chosen->networks);
  options.whole("--images", chosen->images, 0, 1'000'000'000, "of the test part, for each error; 0: all");
  options.whole("--draws", chosen->setting.draws, 1, 10'000, "of units or pairs, for each number of them");
  options.whole("--paths", chosen->setting.paths, 1, 1'000'000, "sampled of each length");
  options.require([chosen = chosen.get()] {
    if (chosen->networks.opened)
      for (const TrainedNetwork& network : chosen->networks.opened->list())
        find_units(forward_graph(network.info.spec, 2, Mode::inference));
    else
      for (const std::string& name : words_of(chosen->networks.train))
        find_units(forward_graph(find_model(name), 2, Mode::inference));
  });
  return [chosen](StudyRun& run) { return act(*chosen, run); };
}

}  // namespace resnet
