// Study "representation": what the layers of trained networks make of images.
#include "base/error.hpp"
#include "study/declare.hpp"
#include "study/representation/report.hpp"

#include <fmt/format.h>

#include <memory>

namespace resnet {
namespace {

struct Options {
  std::string weights, data;
  RepresentationSetting setting;
  std::shared_ptr<const TrainedNetworks> opened = {};
};

StudyOutcome act(const Options& chosen, StudyRun& run) {
  const TrainedNetworks& networks = *chosen.opened;
  networks.pin(run);
  const RepresentationResult result = measure_representations(run, networks, chosen.setting);
  const std::string what = fmt::format("{} images of {} ({})", with_thousands(result.test_images), networks.data_name(),
                                       networks.data().test_name);
  StudyReport report = representation_report(result, chosen.setting, what);
  std::string text = representation_lines(result, report);
  return StudyOutcome{to_json(result), std::move(text), std::move(report)};
}

}  // namespace

StudyAction declare_representation(StudyOptions& options) {
  constexpr int64_t most = 1'000'000'000;
  const auto chosen = std::make_shared<Options>();
  RepresentationSetting& setting = chosen->setting;
  options.text(
      "--weights", chosen->weights, "FILES",
      "trained networks: run directories or model files, with commas between; such as a residual and a plain one");
  options.text("--data", chosen->data, "DATA", "images; by default those of the first run directory");
  options.whole("--images", setting.images, 0, most, "of the test part, for CKA and to test the probes on; 0: all");
  options.whole("--probe-images", setting.probe_images, 0, most, "of the training part, for the probes; 0: all");
  options.whole("--batch", setting.batch, 4, 65536, "images in a minibatch of CKA");
  options.whole("--cells", setting.cells, 1, 64, "a layer's images are averaged over N x N parts for its probe");
  options.real("--decay", setting.decay, 0, 1e6, "weight decay of the probes");
  options.whole("--points", setting.points, 3, 100'000, "images shown in the embedding, at most");
  options.require([chosen = chosen.get()] {
    if (words_of(chosen->weights).empty()) fail_usage("--weights: name at least one trained network");
    chosen->opened = std::make_shared<TrainedNetworks>(words_of(chosen->weights), chosen->data);
    const DataSplit& data = chosen->opened->data();
    if (!data.train) fail_data(chosen->opened->data_name(), ": has no training images for the probes to learn from");
    const int64_t images =
        chosen->setting.images > 0 ? std::min(chosen->setting.images, data.test->size()) : data.test->size();
    if (images < chosen->setting.batch)
      fail_usage("--batch: ", chosen->setting.batch, " images are more than the ", images, " that are used");
  });
  return [chosen](StudyRun& run) { return act(*chosen, run); };
}

}  // namespace resnet
