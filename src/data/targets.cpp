#include "data/targets.hpp"

#include "data/augment/mix.hpp"

#include <algorithm>
#include <span>

namespace resnet {
namespace {

/// The loss will take q = (1 - s) target + s / K. Here the target becomes what makes q the weight w times as large,
/// where w is the mean of the classes' weights in the parts of the target.
void weigh(const LoaderOptions& options, std::span<float> target) {
  const double s = options.label_smoothing, classes = static_cast<double>(target.size());
  double weight = 0;
  for (std::size_t k = 0; k < target.size(); ++k) weight += double{target[k]} * double{options.class_weights[k]};
  for (float& part : target) part = static_cast<float>(weight * double{part} + (weight - 1) * s / ((1 - s) * classes));
}

void mix(const LoaderOptions& options, Batch& batch, std::span<float> targets) {
  const Shape& shape = batch.images.shape();  // [N, C, H, W]
  Rng rng(options.seed, "mix",
          {static_cast<uint64_t>(batch.epoch), static_cast<uint64_t>(batch.step), static_cast<uint64_t>(options.rank)});
  const Mix chosen = draw_mix(options.augmentation.mixup, options.augmentation.cutmix, static_cast<int>(shape[2]),
                              static_cast<int>(shape[3]), rng);
  const auto count = static_cast<std::size_t>(batch.count),
             elements = static_cast<std::size_t>(shape[1] * shape[2] * shape[3]);
  mix_batch(chosen, {batch.count, shape[1], shape[2], shape[3]}, batch.images.data<float>().first(count * elements),
            batch.labels.data<int32_t>().first(count), static_cast<int>(batch.targets.shape()[1]), targets);
}

}  // namespace

bool has_targets(const LoaderOptions& options) {
  return options.training && (options.augmentation.mixes() || !options.class_weights.empty());
}

void fill_targets(const LoaderOptions& options, Batch& batch) {
  const auto count = static_cast<std::size_t>(batch.count),
             classes = static_cast<std::size_t>(batch.targets.shape()[1]);
  const std::span<float> targets = batch.targets.data<float>();
  std::ranges::fill(targets, 0.0f);
  if (options.augmentation.mixes())
    mix(options, batch, targets.first(count * classes));
  else
    for (std::size_t n = 0; n < count; ++n)
      targets[n * classes + static_cast<std::size_t>(batch.labels.data<int32_t>()[n])] = 1;
  if (!options.class_weights.empty())
    for (std::size_t n = 0; n < count; ++n) weigh(options, targets.subspan(n * classes, classes));
}

}  // namespace resnet
