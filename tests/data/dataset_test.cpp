#include "data/dataset.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

std::shared_ptr<const Dataset> four_images() {
  return memory_dataset({"a", "b"}, {2, 1, 2}, {0, 255, 9, 9, 255, 0, 9, 9, 0, 0, 9, 9, 255, 255, 9, 9}, {0, 1, 0, 1});
}

TEST(Dataset, StatisticsAreOverAllPixelsOfAChannel) {
  const ChannelStatistics statistics = channel_statistics(*four_images());
  EXPECT_FLOAT_EQ(statistics.mean[0], 0.5f);
  EXPECT_FLOAT_EQ(statistics.deviation[0], 0.5f);
  EXPECT_FLOAT_EQ(statistics.mean[1], 9.0f / 255);
  EXPECT_FLOAT_EQ(statistics.deviation[1], 0);
}

TEST(Dataset, ConstantChannelIsNotDividedByZero) {
  const Preprocessing preprocessing = computed_preprocessing(*four_images());
  EXPECT_EQ(preprocessing.deviation[1], 1);
  EXPECT_EQ(preprocessing.channels, 2);
  EXPECT_EQ(preprocessing.height, 1);
  EXPECT_EQ(preprocessing.width, 2);
}

TEST(Dataset, SubsetShowsItsImagesInItsOrder) {
  const auto part = subset(four_images(), {3, 0});
  ASSERT_EQ(part->size(), 2);
  EXPECT_EQ(part->label(0), 1);
  EXPECT_EQ(part->label(1), 0);
  std::vector<uint8_t> pixels(4);
  part->read(0, pixels);
  EXPECT_EQ(pixels, (std::vector<uint8_t>{255, 255, 9, 9}));
  EXPECT_EQ(part->classes().size(), 2u);
}

}  // namespace
}  // namespace resnet
