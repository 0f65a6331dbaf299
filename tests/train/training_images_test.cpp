// The training images of the report are those that the network gets.
#include "train/training_images.hpp"

#include "data/open.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace resnet {
namespace {

TEST(TrainingImages, AreThePixelsOfTheFirstBatch) {
  const DataSplit data = open_data("builtin:patterns?size=8&count=40", {.threads = 1});
  const LoaderOptions options{.augmentation = {.pad = 0, .flip = false}, .seed = 3};
  const auto images = training_images(data.train, data.preprocessing, options, 16);
  ASSERT_EQ(images.size(), 16u);
  const std::vector<int64_t> order = epoch_order(data.train->size(), 3, 0);
  for (std::size_t n = 0; n < images.size(); ++n) {
    std::vector<uint8_t> pixels(64);
    data.train->read(order[n], pixels);
    EXPECT_EQ(images[n].pixels, pixels);
    EXPECT_EQ(images[n].caption, data.train->classes()[static_cast<std::size_t>(data.train->label(order[n]))]);
  }
  EXPECT_EQ(training_images(data.train, data.preprocessing, options, 1000).size(), 40u) << "all there are";
  LoaderOptions weighted = options;
  weighted.class_weights = {0.5f, 1, 3};
  EXPECT_EQ(training_images(data.train, data.preprocessing, weighted, 1)[0].caption, images[0].caption);
}

TEST(TrainingImages, NameTheSharesOfMixedOnes) {
  const DataSplit data = open_data("builtin:patterns?size=8&count=40", {.threads = 1});
  const auto images =
      training_images(data.train, data.preprocessing, {.augmentation = {.pad = 0, .flip = false, .mixup = 5}}, 16);
  EXPECT_TRUE(std::ranges::any_of(
      images, [](const TrainingImage& image) { return image.caption.find(" %, ") != std::string::npos; }));
}

}  // namespace
}  // namespace resnet
