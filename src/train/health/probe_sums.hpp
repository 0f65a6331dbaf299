// What a probe adds up over its batches.
#pragma once

#include "train/health/probe.hpp"
#include "train/health/tensor_figures.hpp"

namespace resnet {

struct HealthProbe::Sums {
  struct Layer {
    ChannelMoments raw, activation;
    double dx = 0;  // squares
    double correlation = not_measured;
  };
  struct Parameter {
    double squares = 0;
    std::vector<float> sum;  // of the gradients, for the cosines between them
  };
  struct Norm {
    std::vector<double> mean, var;
  };
  struct Block {
    double branch = 0, shortcut = 0, dx_branch = 0, dx_shortcut = 0;  // squares
  };

  uint64_t batches = 0;
  std::vector<Layer> layers;
  std::vector<Parameter> parameters;
  std::vector<Norm> norms;
  std::vector<Passed> relus;
  std::vector<double> saturated;  // of each sigmoid: the part of its numbers, added up over batches
  std::vector<Block> blocks;
  ChannelMoments input;
  double between = 0, within = 0;
  int64_t images = 0, constant = 0, repeated = 0;
  std::set<uint64_t> seen;  // hashes of the images
  std::vector<int64_t> labels;
  double loss = 0, top1 = 0, confidence = 0, spread = 0, zero_logits = 0;
  bool probabilities = true, finite = true;
  double path_step = 0;
};

/// Part of the channels for which `test` holds.
template <class Test>
double part_of(std::size_t channels, Test&& test) {
  std::size_t count = 0;
  for (std::size_t c = 0; c < channels; ++c) count += test(c) ? 1 : 0;
  return channels ? static_cast<double>(count) / static_cast<double>(channels) : 0;
}

}  // namespace resnet
