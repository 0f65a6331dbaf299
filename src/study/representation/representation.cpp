// Study "representation": what the layers of trained networks make of images.
#include "base/error.hpp"
#include "study/declare.hpp"
#include "study/network_choice.hpp"
#include "study/representation/report.hpp"

#include <fmt/format.h>

#include <memory>

namespace resnet {
namespace {

struct Options {
  NetworkChoice networks;
  RepresentationSetting setting;
};

StudyOutcome act(const Options& chosen, StudyRun& run) {
  const std::shared_ptr<const TrainedNetworks> opened = networks_of(run, chosen.networks);
  const TrainedNetworks& networks = *opened;
  const RepresentationResult result = measure_representations(run, networks, chosen.setting);
  const std::string what = fmt::format("{} images of {} ({})", with_thousands(result.test_images), networks.data_name(),
                                       networks.data().test_name);
  StudyReport report = representation_report(result, chosen.setting, what);
  report.method(origin_text(chosen.networks));
  std::string text = representation_lines(result, report);
  return StudyOutcome{to_json(result), std::move(text), std::move(report)};
}

}  // namespace

StudyAction declare_representation(StudyOptions& options) {
  constexpr int64_t most = 1'000'000'000;
  const auto chosen = std::make_shared<Options>();
  RepresentationSetting& setting = chosen->setting;
  declare_network_choice(options, chosen->networks);
  options.whole("--images", setting.images, 0, most, "of the test part, for CKA and to test the probes on; 0: all");
  options.whole("--probe-images", setting.probe_images, 0, most, "of the training part, for the probes; 0: all");
  options.whole("--batch", setting.batch, 4, 65536, "images in a minibatch of CKA");
  options.whole("--cells", setting.cells, 1, 64, "a layer's images are averaged over N x N parts for its probe");
  options.real("--decay", setting.decay, 0, 1e6, "weight decay of the probes");
  options.whole("--points", setting.points, 3, 100'000, "images shown in the embedding, at most");
  options.require([chosen = chosen.get()] {
    if (!chosen->networks.opened) return;
    const DataSplit& data = chosen->networks.opened->data();
    if (!data.train)
      fail_data(chosen->networks.opened->data_name(), ": has no training images for the probes to learn from");
    const int64_t all = data.test->size(), wanted = chosen->setting.images;
    const int64_t images = wanted > 0 ? std::min(wanted, all) : all;
    if (images < chosen->setting.batch)
      fail_usage("--batch: ", chosen->setting.batch, " images are more than the ", images, " that are used");
  });
  return [chosen](StudyRun& run) { return act(*chosen, run); };
}

}  // namespace resnet
