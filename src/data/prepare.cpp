#include "data/prepare.hpp"

#include "data/augment/augmentation.hpp"
#include "data/augment/draws.hpp"
#include "data/channels.hpp"
#include "data/resize.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

namespace resnet {
namespace {

class Prepared final : public Dataset {
 public:
  Prepared(std::shared_ptr<const Dataset> whole, Preprocessing preprocessing)
      : whole_(std::move(whole)), preprocessing_(std::move(preprocessing)) {}
  int64_t size() const override { return whole_->size(); }
  const std::vector<std::string>& classes() const override { return whole_->classes(); }
  Shape image_shape() const override { return {preprocessing_.channels, preprocessing_.height, preprocessing_.width}; }
  int label(int64_t index) const override { return whole_->label(index); }
  void read(int64_t index, std::span<uint8_t> pixels) const override {
    to_planes(evaluation_picture(*whole_, index, preprocessing_), pixels);
  }
  uint64_t hash(int64_t index) const override { return whole_->hash(index); }
  std::string name_of(int64_t index) const override { return whole_->name_of(index); }

 private:
  std::shared_ptr<const Dataset> whole_;
  Preprocessing preprocessing_;
};

DecodedWindow timed_picture(const Dataset& dataset, int64_t index, const PictureRequest& request, double* seconds) {
  const auto start = std::chrono::steady_clock::now();
  DecodedWindow window = dataset.picture(index, request);
  if (seconds) *seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return window;
}

}  // namespace

int resized_side(const Preprocessing& preprocessing) {
  return preprocessing.resize > 0 ? preprocessing.resize : std::max(preprocessing.height, preprocessing.width);
}

Image prepare(const Image& image, const Preprocessing& preprocessing) {
  Image result = resize_and_centre_crop(image, resized_side(preprocessing), preprocessing.height, preprocessing.width,
                                        preprocessing.filter);
  return with_channels(std::move(result), preprocessing.channels);
}

Image training_picture(const Dataset& dataset, int64_t index, const Preprocessing& preprocessing,
                       const Augmentation& augmentation, Rng& rng, double* decoding) {
  if (augmentation.resized_crop == 0) {
    Image image = random_crop(evaluation_picture(dataset, index, preprocessing, decoding), augmentation, rng);
    return random_change(std::move(image), augmentation, rng);
  }
  const auto choose = [&](int height, int width) {
    return draw_resized_crop(height, width, {augmentation.resized_crop, 1}, usual_crop_ratio, rng);
  };
  const int longest = std::max(preprocessing.height, preprocessing.width);
  const PictureRequest request{
      .channels = preprocessing.channels, .scale_for = augmentation.scaled_decoding ? longest : 0, .choose = choose};
  const DecodedWindow window = timed_picture(dataset, index, request, decoding);
  Image image = resize(window.image, preprocessing.height, preprocessing.width, preprocessing.filter, window.box);
  return random_change(std::move(image), augmentation, rng);
}

Image evaluation_picture(const Dataset& dataset, int64_t index, const Preprocessing& preprocessing, double* decoding) {
  const DecodedWindow window = timed_picture(dataset, index, {.channels = preprocessing.channels}, decoding);
  return prepare(window.image, preprocessing);
}

bool fits(const Dataset& dataset, const Preprocessing& preprocessing) {
  const Shape image = dataset.image_shape();
  return image == Shape{preprocessing.channels, preprocessing.height, preprocessing.width} &&
         (preprocessing.resize == 0 || preprocessing.resize == std::min(preprocessing.height, preprocessing.width));
}

void to_planes(const Image& image, std::span<uint8_t> planes) {
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t area = image.pixels.size() / channels;
  assert(planes.size() == image.pixels.size());
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < area; ++i) planes[c * area + i] = image.pixels[i * channels + c];
}

std::shared_ptr<const Dataset> prepared(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing) {
  if (fits(*dataset, preprocessing)) return dataset;
  return std::make_shared<Prepared>(std::move(dataset), preprocessing);
}

}  // namespace resnet
