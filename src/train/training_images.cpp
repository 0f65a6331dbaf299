#include "train/training_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace resnet {
namespace {

/// The inverse of normalisation: [C, H, W].
std::vector<uint8_t> pixels_of(std::span<const float> values, const Preprocessing& preprocessing) {
  std::vector<uint8_t> pixels;
  const std::size_t area = values.size() / static_cast<std::size_t>(preprocessing.channels);
  for (std::size_t at = 0; at < values.size(); ++at) {
    const std::size_t channel = at / area;
    const float scaled = 255 * (values[at] * preprocessing.deviation[channel] + preprocessing.mean[channel]);
    pixels.push_back(static_cast<uint8_t>(std::lround(std::clamp(scaled, 0.0f, 255.0f))));
  }
  return pixels;
}

std::string shares_text(std::span<const float> shares, const std::vector<std::string>& classes) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < shares.size(); ++k)
    if (shares[k] >= 0.005f) order.push_back(k);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return shares[a] > shares[b]; });
  if (order.size() == 1) return classes[order[0]];
  std::string text;
  for (const std::size_t k : order)
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", classes[k], 100 * shares[k]);
  return text;
}

}  // namespace

std::vector<TrainingImage> training_images(const std::shared_ptr<const Dataset>& dataset,
                                           const Preprocessing& preprocessing, LoaderOptions options, int64_t count) {
  options.batch = std::min(count, dataset->size());
  options.threads = options.prefetch = 1;
  options.class_weights.clear();  // the parts of classes are shown, not what the loss makes of them
  Loader loader(dataset, preprocessing, options);
  const Batch& batch = loader.next();
  const std::span<const float> values = batch.images.data<float>(), shares = batch.targets.data<float>();
  const auto elements = values.size() / static_cast<std::size_t>(options.batch), classes = dataset->classes().size();
  std::vector<TrainingImage> images;
  for (std::size_t n = 0; n < static_cast<std::size_t>(batch.count); ++n) {
    const auto label = static_cast<std::size_t>(batch.labels.data<int32_t>()[n]);
    images.push_back({.pixels = pixels_of(values.subspan(n * elements, elements), preprocessing),
                      .caption = shares.empty()
                                     ? dataset->classes()[label]
                                     : shares_text(shares.subspan(n * classes, classes), dataset->classes())});
  }
  return images;
}

}  // namespace resnet
