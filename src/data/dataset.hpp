// A set of labelled images, of one size or of any, whatever it was read or generated from, and how it is cut into a
// training and a test part.
#pragma once

#include "base/preprocessing.hpp"
#include "base/shape.hpp"
#include "data/decode.hpp"
#include "data/transforms.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace resnet {

/// What is wanted of a picture.
struct PictureRequest {
  int channels = 3;
  /// As DecodeOptions::scale_for: above 0, a JPEG may be decoded at a part of its size. 0: exact pixels.
  int scale_for = 0;
  /// The part to decode, from the height and width of the picture as it stands; empty: all of it.
  std::function<Rectangle(int height, int width)> choose = {};
};

/// Labelled images. All functions may be called from several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Number of images.
  virtual int64_t size() const = 0;
  /// Class names; labels index them.
  virtual const std::vector<std::string>& classes() const = 0;
  /// [C, H, W], the same for every image; [C, 0, 0] where images have sizes of their own.
  virtual Shape image_shape() const = 0;
  /// 0 .. classes().size() - 1
  virtual int label(int64_t index) const = 0;
  /// Writes image `index` as raw planar 8-bit pixels [C, H, W] (RGB or grey); pixels.size() is C * H * W. Only for
  /// images of one size; see prepared() in data/prepare.hpp for the others.
  virtual void read(int64_t index, std::span<uint8_t> pixels) const = 0;
  /// Image `index` in its own size, or a part of it. Error (bad data): the image cannot be decoded.
  virtual DecodedWindow picture(int64_t index, const PictureRequest& request) const;
  /// Of content and label, the same wherever the data set lies and however often it is opened.
  virtual uint64_t hash(int64_t index) const;
  /// For messages: the file of an image.
  virtual std::string name_of(int64_t index) const;
};

/// Whether read() can be used.
inline bool has_one_size(const Dataset& dataset) { return dataset.image_shape()[1] > 0; }

/// An image that cannot be used, and why.
struct BadImage {
  std::string file, reason;
  bool operator==(const BadImage&) const = default;
};

/// The shorter sides of photos in pixels, and whether all have one size.
struct PhotoSizes {
  int smallest = 0, median = 0, largest = 0;
  bool equal = true;
  int height = 0, width = 0;  // of the first one
};

/// The parts of a data set as open_data finds them.
struct DataSplit {
  /// Null if there are no training images: the data serves evaluation only.
  std::shared_ptr<const Dataset> train;
  /// Never null.
  std::shared_ptr<const Dataset> test;
  /// "test" if it came as such, "validation" if it was split off the training images or is called so, "all" if nothing
  /// was kept for training.
  std::string test_name = "test";
  /// Whether `test` was split off the training images, or is all of them.
  bool split_off = false;
  /// Short name for directories and titles: "cifar10", "shapes".
  std::string name;
  /// Something the user should know (a part that was split off); empty if nothing is. The caller logs it.
  std::string note;
  /// What these images need before a network sees them.
  Preprocessing preprocessing;
  /// The augmentation that keeps these classes apart; a recipe may choose less.
  Augmentation augmentation;
  /// Images that were left out when the data were opened, since their headers say that they cannot be decoded.
  std::vector<BadImage> bad = {};
  /// Of the training images, if they are photos.
  std::optional<PhotoSizes> sizes = {};
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
