// Batch-norm statistics computed anew: true averages over a data set, in place of the moving ones of training.
#pragma once

#include "data/dataset.hpp"
#include "formats/model_file.hpp"

#include <cstdint>
#include <memory>

namespace resnet {

class ThreadPool;

struct Recalibration {
  int64_t batch = 64;  // images whose statistics are taken together
  int64_t images = 0;  // that many at most; 0: all
  uint64_t seed = 0;   // of the order
};

/// Replaces each running mean and variance by the mean of those of the batches (of the unbiased variances), which is
/// PyTorch's BatchNorm with momentum=None; the images are shuffled and prepared as in evaluation, an incomplete last
/// batch is left out, and nothing is dropped out. Returns the number of batches. Error (usage): the data have fewer
/// images than a batch; (bad model): the network has no batch norm; (interrupted): Ctrl-C.
int64_t recalibrate(const ModelInfo& info, State& state, const std::shared_ptr<const Dataset>& dataset,
                    const Recalibration& options, const std::shared_ptr<ThreadPool>& threads);

}  // namespace resnet
