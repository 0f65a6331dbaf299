#include "data/dataset.hpp"

#include "data/channels.hpp"
#include "data/resize.hpp"
#include "data/split.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace resnet {
namespace {

class MemoryDataset final : public Dataset {
 public:
  MemoryDataset(std::vector<std::string> classes, const Shape& image, std::vector<uint8_t> pixels,
                std::vector<int> labels)
      : classes_(std::move(classes)), image_(image), pixels_(std::move(pixels)), labels_(std::move(labels)) {
    assert(pixels_.size() == labels_.size() * static_cast<std::size_t>(image_.elements()));
  }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  const std::vector<std::string>& classes() const override { return classes_; }
  Shape image_shape() const override { return image_; }
  int label(int64_t index) const override { return labels_[static_cast<std::size_t>(index)]; }
  void read(int64_t index, std::span<uint8_t> pixels) const override {
    assert(index >= 0 && index < size() && pixels.size() == static_cast<std::size_t>(image_.elements()));
    std::copy_n(pixels_.begin() + index * image_.elements(), pixels.size(), pixels.begin());
  }

 private:
  std::vector<std::string> classes_;
  Shape image_;
  std::vector<uint8_t> pixels_;  // [N, C, H, W]
  std::vector<int> labels_;      // [N]
};

class Subset final : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> indices)
      : whole_(std::move(whole)), indices_(std::move(indices)) {}
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  const std::vector<std::string>& classes() const override { return whole_->classes(); }
  Shape image_shape() const override { return whole_->image_shape(); }
  int label(int64_t index) const override { return whole_->label(indices_[static_cast<std::size_t>(index)]); }
  void read(int64_t index, std::span<uint8_t> pixels) const override {
    whole_->read(indices_[static_cast<std::size_t>(index)], pixels);
  }
  DecodedWindow picture(int64_t index, const PictureRequest& request) const override {
    return whole_->picture(indices_[static_cast<std::size_t>(index)], request);
  }
  uint64_t hash(int64_t index) const override { return whole_->hash(indices_[static_cast<std::size_t>(index)]); }
  std::string name_of(int64_t index) const override {
    return whole_->name_of(indices_[static_cast<std::size_t>(index)]);
  }

 private:
  std::shared_ptr<const Dataset> whole_;
  std::vector<int64_t> indices_;
};

}  // namespace

DecodedWindow Dataset::picture(int64_t index, const PictureRequest& request) const {
  const Shape shape = image_shape();
  std::vector<uint8_t> planes(static_cast<std::size_t>(shape.elements()));
  read(index, planes);
  Image image = with_channels(image_of(planes, shape), request.channels);
  if (request.choose) image = crop(image, request.choose(image.height, image.width));
  const Box whole{0, 0, static_cast<double>(image.width), static_cast<double>(image.height)};
  return {std::move(image), whole};
}

uint64_t Dataset::hash(int64_t index) const {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(image_shape().elements()));
  read(index, pixels);
  return content_hash(pixels, label(index));
}

std::string Dataset::name_of(int64_t index) const { return "image " + std::to_string(index); }

std::shared_ptr<const Dataset> memory_dataset(std::vector<std::string> classes, const Shape& image,
                                              std::vector<uint8_t> pixels, std::vector<int> labels) {
  return std::make_shared<MemoryDataset>(std::move(classes), image, std::move(pixels), std::move(labels));
}

std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> indices) {
  return std::make_shared<Subset>(std::move(whole), std::move(indices));
}

ChannelStatistics channel_statistics(const Dataset& dataset) {
  const Shape image = dataset.image_shape();
  const auto channels = static_cast<std::size_t>(image[0]);
  const auto area = static_cast<std::size_t>(image[1] * image[2]);
  std::vector<uint8_t> pixels(channels * area);
  std::vector<uint64_t> sums(channels), squares(channels);
  for (int64_t index = 0; index < dataset.size(); ++index) {
    dataset.read(index, pixels);
    for (std::size_t c = 0; c < channels; ++c) {
      uint64_t sum = 0, square = 0;
      for (const uint8_t pixel : std::span(pixels).subspan(c * area, area)) {
        sum += pixel;
        square += uint64_t{pixel} * pixel;
      }
      sums[c] += sum;
      squares[c] += square;
    }
  }
  ChannelStatistics result{std::vector<float>(channels, 0), std::vector<float>(channels, 1)};
  const double count = static_cast<double>(dataset.size()) * static_cast<double>(area);
  for (std::size_t c = 0; c < channels && count > 0; ++c) {
    const double mean = static_cast<double>(sums[c]) / count;
    const double variance = static_cast<double>(squares[c]) / count - mean * mean;
    result.mean[c] = static_cast<float>(mean / 255);
    result.deviation[c] = static_cast<float>(std::sqrt(std::max(variance, 0.0)) / 255);
  }
  return result;
}

Preprocessing computed_preprocessing(const Dataset& dataset) {
  const Shape image = dataset.image_shape();
  ChannelStatistics statistics = channel_statistics(dataset);
  for (float& deviation : statistics.deviation)
    if (deviation < 1e-6f) deviation = 1;
  return {.channels = static_cast<int>(image[0]),
          .height = static_cast<int>(image[1]),
          .width = static_cast<int>(image[2]),
          .mean = std::move(statistics.mean),
          .deviation = std::move(statistics.deviation)};
}

}  // namespace resnet
