// Samples of a network's health while it trains: one line of diagnosis.jsonl for each, and the heat maps over depth and
// time that the report of the run shows.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"
#include "formats/model_file.hpp"
#include "report/html.hpp"
#include "train/health/probe.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace resnet {

/// What is kept of one moment, layer by layer and block by block.
struct HealthSample {
  int64_t step = 0;  // steps done
  double rate = 0, loss = 0;
  std::vector<std::string> layers, blocks;
  std::vector<double> mean, variance, dead, dx, dw, update, correlation;  // of the layers
  std::vector<double> ratio;                                              // branch / shortcut of the blocks
};

HealthSample sample_of(const NetworkHealth& health, int64_t step);
std::string to_line(const HealthSample& sample);

/// Lines up to `step`; the file is cut back to them: what lies behind the checkpoint, whole or cut short, is measured
/// again. None if there is no file. Error (bad data): a damaged line; names it.
std::vector<HealthSample> truncate_samples(const fs::path& path, int64_t step);

/// Measures a training from outside, on images of its own that stay the same, so that samples compare. It changes
/// nothing of the training.
class HealthSampler {
 public:
  /// The first images of a fixed shuffle of the training data, without augmentation: up to 32, fewer where the
  /// network's values are large.
  HealthSampler(const ModelInfo& info, const Recipe& recipe, State& state, uint64_t seed,
                const std::shared_ptr<const Dataset>& data, const CompileOptions& options);
  HealthSample sample(int64_t step, double rate);

 private:
  HealthProbe probe_;
  Tensor images_, labels_;
};

/// The maps, as a section of a report; nothing below two samples.
void add_samples(HtmlPage& page, const std::vector<HealthSample>& samples, int64_t every);

}  // namespace resnet
