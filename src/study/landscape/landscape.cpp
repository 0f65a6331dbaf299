// Study "landscape": the loss around trained networks and between them (Li et al. 2018, "Visualizing the loss landscape
// of neural nets").
#include "base/error.hpp"
#include "study/declare.hpp"
#include "study/landscape/report.hpp"
#include "study/network_choice.hpp"

#include <fmt/format.h>

#include <memory>

namespace resnet {
namespace {

struct Options {
  NetworkChoice networks;
  std::string part = "train";
  int64_t images = 400;
  LandscapeSetting setting;
};

StudyOutcome act(const Options& chosen, StudyRun& run) {
  const std::shared_ptr<const TrainedNetworks> opened = networks_of(run, chosen.networks);
  const TrainedNetworks& networks = *opened;
  const bool training = chosen.part == "train";
  const auto images = TrainedNetworks::some(training ? networks.data().train : networks.data().test, chosen.images);
  const LandscapeResult result = measure_landscapes(run, networks, images, chosen.setting);
  const std::string what = fmt::format("{} images of {} ({})", with_thousands(images->size()), networks.data_name(),
                                       training ? "training, not augmented" : networks.data().test_name);
  StudyReport report = landscape_report(result, chosen.setting, what);
  report.method(origin_text(chosen.networks));
  std::string text = landscape_lines(result, report);
  Json json = to_json(result);
  json["images"] = images->size();
  return StudyOutcome{std::move(json), std::move(text), std::move(report)};
}

}  // namespace

StudyAction declare_landscape(StudyOptions& options) {
  const auto chosen = std::make_shared<Options>();
  // The pair of Li et al., on images that plain-56 solves too: around a network that solved nothing there is no
  // landscape of a solution. It needs 40 epochs; after 20 some seeds have an accuracy of 66 %.
  chosen->networks.train = "plain56,resnet56";
  chosen->networks.training.data = "builtin:patterns?count=8000&noise=0.5";
  chosen->networks.own_epochs = 40;
  chosen->networks.training.seeds = 2;  // lines lie between networks of equal structure
  declare_network_choice(options, chosen->networks);
  options.choice("--part", chosen->part, {"train", "test"}, "of the data that the loss is taken of");
  options.whole("--images", chosen->images, 0, 1'000'000'000, "of that part, drawn at random; 0: all");
  options.whole("--points", chosen->setting.points, 3, 1001, "along each side of the plane, an odd number");
  options.real("--extent", chosen->setting.extent, 1e-6, 1e6, "the plane reaches so many filter norms to each side");
  options.whole(
      "--line-points", chosen->setting.line_points, 5, 10'001,
      "between two solutions and half as far beyond each; 1 and a multiple of 4, so that both are among them");
  options.require([chosen = chosen.get()] {
    if (chosen->setting.points % 2 == 0)
      fail_usage("--points: expected an odd number, so that the network is in the middle, got ",
                 chosen->setting.points);
    if (chosen->setting.line_points % 4 != 1)
      fail_usage("--line-points: expected 1 and a multiple of 4, such as 21, got ", chosen->setting.line_points);
    const std::shared_ptr<const TrainedNetworks>& given = chosen->networks.opened;
    if (given && chosen->part == "train" && !given->data().train)
      fail_data(given->data_name(), ": has no training images; choose --part test");
  });
  return [chosen](StudyRun& run) { return act(*chosen, run); };
}

}  // namespace resnet
