// A set of labelled images of one size, whatever it was read or generated from, and how it is cut into a training and
// a test part.
#pragma once

#include "base/preprocessing.hpp"
#include "base/shape.hpp"
#include "data/transforms.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace resnet {

/// Labelled images. All functions may be called from several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Number of images.
  virtual int64_t size() const = 0;
  /// Class names; labels index them.
  virtual const std::vector<std::string>& classes() const = 0;
  /// [C, H, W], the same for every image.
  virtual Shape image_shape() const = 0;
  /// 0 .. classes().size() - 1
  virtual int label(int64_t index) const = 0;
  /// Writes image `index` as raw planar 8-bit pixels [C, H, W] (RGB or grey); pixels.size() is C * H * W.
  virtual void read(int64_t index, std::span<uint8_t> pixels) const = 0;
};

/// The parts of a data set as open_data finds them.
struct DataSplit {
  /// Null if there are no training images: the data serves evaluation only.
  std::shared_ptr<const Dataset> train;
  /// Never null.
  std::shared_ptr<const Dataset> test;
  /// "test" if it came as such, "validation" if it was split off the training images.
  std::string test_name = "test";
  /// Short name for directories and titles: "cifar10", "shapes".
  std::string name;
  /// Something the user should know (a part that was split off); empty if nothing is. The caller logs it.
  std::string note;
  /// What these images need before a network sees them.
  Preprocessing preprocessing;
  /// The augmentation that keeps these classes apart; a recipe may choose less.
  Augmentation augmentation;
};

/// A data set held in memory: pixels [N, C, H, W] and N labels, each below the number of classes.
std::shared_ptr<const Dataset> memory_dataset(std::vector<std::string> classes, const Shape& image,
                                              std::vector<uint8_t> pixels, std::vector<int> labels);

/// The images of `whole` at `indices`, in that order, without copying them.
std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> indices);

/// Per channel, over all pixels of all images scaled to [0, 1]. Sums are integers, so the result has no rounding
/// that depends on an order.
struct ChannelStatistics {
  std::vector<float> mean, deviation;
};
ChannelStatistics channel_statistics(const Dataset& dataset);

/// The size of the images with the statistics of `dataset`; a constant channel gets deviation 1.
Preprocessing computed_preprocessing(const Dataset& dataset);

}  // namespace resnet
