// MNIST's files, plain and packed, and what is wrong with others.
#include "data/idx.hpp"
#include "data/open.hpp"
#include "expect_error.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace resnet {
namespace {

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string images(uint32_t count, uint32_t side = 4) {
  std::string bytes = std::string("\0\0\x08\x03", 4) + big_endian(count) + big_endian(side) + big_endian(side);
  for (uint32_t i = 0; i < count * side * side; ++i) bytes += static_cast<char>(i * 7);
  return bytes;
}

std::string labels(const std::vector<int>& values) {
  std::string bytes = std::string("\0\0\x08\x01", 4) + big_endian(static_cast<uint32_t>(values.size()));
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

class Idx : public testing::Test {
 protected:
  DataSplit open() { return open_data(folder.path().string(), {.threads = 1}); }
  void expect_refused(const std::vector<std::string>& words) {
    expect_error([&] { open(); }, ExitCode::bad_data, words);
  }
  TemporaryFolder folder;
};

TEST_F(Idx, BothPartsAreRead) {
  folder.put("train-images-idx3-ubyte", images(4));
  folder.put("train-labels-idx1-ubyte", labels({5, 0, 4, 1}));
  folder.put("t10k-images.idx3-ubyte", images(2));
  folder.put("t10k-labels.idx1-ubyte", labels({7, 2}));
  const DataSplit split = open();
  EXPECT_EQ(split.name, "mnist");
  EXPECT_EQ(split.test_name, "test");
  EXPECT_EQ(split.train->classes().size(), 10u);
  EXPECT_EQ(split.train->label(2), 4);
  EXPECT_TRUE(split.train->image_shape() == (Shape{1, 4, 4}));
  std::vector<uint8_t> pixels(16);
  split.train->read(1, pixels);
  EXPECT_EQ(pixels[3], static_cast<uint8_t>(19 * 7));
  EXPECT_EQ(split.test->label(0), 7);
  EXPECT_FALSE(split.augmentation.flip);
}

TEST_F(Idx, PackedFilesAreUnpackedAndFashionIsKnownByItsLabels) {
  folder.put("train-images-idx3-ubyte", images(12));
  folder.put("train-labels-idx1-ubyte", labels({9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9}));
  ASSERT_EQ(std::system(("gzip " + folder.path().string() + "/*").c_str()), 0);
  const DataSplit split = open();
  EXPECT_EQ(split.name, "fashion-mnist");
  EXPECT_EQ(split.train->classes()[9], "Ankle boot");
  EXPECT_EQ(split.test_name, "validation");
  EXPECT_EQ(split.train->size() + split.test->size(), 12);
  std::string packed;
  {
    std::ifstream file(folder.path() / "train-images-idx3-ubyte.gz", std::ios::binary);
    packed.assign(std::istreambuf_iterator<char>(file), {});
  }
  folder.put("train-images-idx3-ubyte.gz", packed.substr(0, packed.size() / 2));
  expect_refused({"train-images-idx3-ubyte.gz", "cut short"});
  folder.put("train-images-idx3-ubyte.gz", images(12));
  expect_refused({"train-images-idx3-ubyte.gz", "no gzip file"});
}

TEST_F(Idx, WhatDoesNotFitIsRefused) {
  folder.put("train-images-idx3-ubyte", images(4));
  expect_refused({"without the labels"});
  folder.put("train-labels-idx1-ubyte", labels({5, 0, 4}));
  expect_refused({"3 labels for 4 images"});
  folder.put("train-labels-idx1-ubyte", labels({5, 0, 4, 1}) + "x");
  expect_refused({"5 values, its header says 4"});
  folder.put("train-labels-idx1-ubyte", labels({5, 0, 4, 1}));
  folder.put("train-images-idx3-ubyte", images(4).substr(0, 60));
  expect_refused({"cut short"});
  folder.put("train-images-idx3-ubyte", std::string("\0\0\x08\x03", 4) + std::string(12, '\xff'));
  expect_refused({"a side of 4294967295"});
  folder.put("train-images-idx3-ubyte", labels({1, 2}));
  expect_refused({"not an idx file"});
  folder.put("train-images-idx3-ubyte", images(4));
  folder.put("t10k-images-idx3-ubyte", images(1, 5));
  folder.put("t10k-labels-idx1-ubyte", labels({1}));
  expect_refused({"[1x5x5]", "[1x4x4]"});
}

}  // namespace
}  // namespace resnet
