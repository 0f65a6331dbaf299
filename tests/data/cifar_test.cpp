// CIFAR folders: what is written comes back, damage is named, missing parts are made up for.
#include "base/random.hpp"
#include "data/dataset.hpp"
#include "data/open.hpp"
#include "data/split.hpp"
#include "expect_error.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace resnet {
namespace {

constexpr std::size_t pixel_bytes = 3072;

std::string random_pixels(uint64_t key) {
  Rng rng(key);
  std::string pixels(pixel_bytes, '\0');
  for (char& pixel : pixels) pixel = static_cast<char>(rng.bits32());
  return pixels;
}

// `count` records with labels 0, 1, .. 9, 0, ...; each label byte is preceded by `coarse`.
std::string records(int count, uint64_t first_key, const std::string& coarse = "") {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes += coarse + static_cast<char>(i % 10) + random_pixels(first_key + static_cast<uint64_t>(i));
  return bytes;
}

std::string pixels_of(const Dataset& dataset, int64_t index) {
  std::vector<uint8_t> pixels(pixel_bytes);
  dataset.read(index, pixels);
  return {pixels.begin(), pixels.end()};
}

std::set<std::string> contents(const Dataset& dataset) {
  std::set<std::string> all;
  for (int64_t index = 0; index < dataset.size(); ++index) all.insert(pixels_of(dataset, index));
  return all;
}

TEST(Cifar, TenComesBackInFileOrder) {
  const TemporaryFolder folder;
  folder.put("data_batch_10.bin", records(4, 300));
  folder.put("data_batch_1.bin", records(3, 100));
  folder.put("data_batch_2.bin", records(5, 200));
  folder.put("test_batch.bin", records(2, 900));
  folder.put("batches.meta.txt", "a\nb\r\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  const DataSplit split = open_data(folder.path().string());
  ASSERT_TRUE(split.train);
  ASSERT_EQ(split.train->size(), 12);
  EXPECT_EQ(split.test->size(), 2);
  EXPECT_EQ(split.test_name, "test");
  EXPECT_EQ(split.note, "");
  EXPECT_EQ(split.name, "cifar10");
  EXPECT_EQ(split.train->classes()[1], "b");
  EXPECT_EQ(split.train->classes().size(), 10u);
  EXPECT_EQ(split.train->image_shape(), Shape({3, 32, 32}));
  const uint64_t keys[] = {100, 101, 102, 200, 201, 202, 203, 204, 300, 301, 302, 303};
  const int labels[] = {0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2, 3};
  for (int64_t i = 0; i < 12; ++i) {
    EXPECT_EQ(split.train->label(i), labels[i]);
    EXPECT_EQ(pixels_of(*split.train, i), random_pixels(keys[i])) << i;
  }
  EXPECT_EQ(pixels_of(*split.test, 1), random_pixels(901));
  EXPECT_EQ(split.preprocessing.mean, (std::vector<float>{.4914f, .4822f, .4465f}));
}

TEST(Cifar, HundredUsesTheFineLabelAndAParentFolderIsEnough) {
  const TemporaryFolder folder;
  folder.put("cifar-100-binary/train.bin", records(7, 0, "\x13"));
  folder.put("cifar-100-binary/test.bin", records(3, 50, "\x13"));
  std::string names;
  for (int i = 0; i < 100; ++i) names += "fine" + std::to_string(i) + "\n";
  folder.put("cifar-100-binary/fine_label_names.txt", names);
  const DataSplit split = open_data(folder.path().string());
  EXPECT_EQ(split.name, "cifar100");
  EXPECT_EQ(split.train->size(), 7);
  EXPECT_EQ(split.train->classes()[99], "fine99");
  EXPECT_EQ(split.train->label(4), 4);
  EXPECT_EQ(pixels_of(*split.train, 4), random_pixels(4));
  EXPECT_EQ(split.preprocessing.deviation, (std::vector<float>{.2673f, .2564f, .2762f}));
}

TEST(Cifar, ClassNamesAreKnownWithoutTheMetaFile) {
  const TemporaryFolder folder;
  folder.put("test_batch.bin", records(1, 0));
  EXPECT_EQ(open_data(folder.path().string()).test->classes()[9], "truck");
}

TEST(Cifar, FileCutShortIsNamedWithItsSizes) {
  const TemporaryFolder folder;
  folder.put("test_batch.bin", records(1, 0));
  folder.put("data_batch_1.bin", records(3, 0).substr(0, 3 * 3073 - 10));
  expect_error([&] { open_data(folder.path().string()); }, ExitCode::bad_data,
               {"data_batch_1.bin", "9209", "3073", "3063", "download"});
}

TEST(Cifar, FileLargerThanAnyDataSetIsNotRead) {
  const TemporaryFolder folder;
  folder.put("data_batch_1.bin", records(3, 0));
  folder.put("data_batch_2.bin", "");
  std::filesystem::resize_file(folder.path() / "data_batch_2.bin", uint64_t{1} << 40);  // a hole: takes no room
  expect_error([&] { open_data(folder.path().string()); }, ExitCode::bad_data, {"data_batch_2.bin", "1099511627776"});
}

TEST(Cifar, LabelWithoutAClassIsNamedWithItsRecord) {
  const TemporaryFolder folder;
  std::string bytes = records(3, 0);
  bytes[2 * 3073] = 10;
  folder.put("data_batch_1.bin", bytes);
  expect_error([&] { open_data(folder.path().string()); }, ExitCode::bad_data,
               {"data_batch_1.bin", "record 2", "label 10", "0 to 9"});
}

TEST(Cifar, EmptyFilesAreNoData) {
  const TemporaryFolder folder;
  folder.put("data_batch_1.bin", "");
  expect_error([&] { open_data(folder.path().string()); }, ExitCode::bad_data, {folder.path().string(), "empty"});
}

TEST(Cifar, TwoDataSetsInOneFolderAreRefused) {
  const TemporaryFolder folder;
  folder.put("cifar-10-batches-bin/test_batch.bin", records(1, 0));
  folder.put("cifar-100-binary/test.bin", records(1, 0, "a"));
  expect_error([&] { open_data(folder.path().string()); }, ExitCode::bad_data,
               {"cifar-10-batches-bin", "cifar-100-binary"});
}

TEST(Cifar, WithoutTrainingFilesItServesEvaluation) {
  const TemporaryFolder folder;
  folder.put("test_batch.bin", records(4, 0));
  const DataSplit split = open_data(folder.path().string());
  EXPECT_FALSE(split.train);
  EXPECT_EQ(split.test->size(), 4);
  EXPECT_EQ(split.test_name, "test");
  EXPECT_NE(split.note.find("no training files"), std::string::npos);
}

TEST(Cifar, WithoutTestFilesATenthOfEachClassIsSplitOff) {
  const TemporaryFolder folder;
  folder.put("data_batch_1.bin", records(200, 0));
  const DataSplit split = open_data(folder.path().string());
  EXPECT_EQ(split.test_name, "validation");
  EXPECT_NE(split.note.find("20 of the 200"), std::string::npos) << split.note;
  EXPECT_EQ(split.train->size(), 180);
  ASSERT_EQ(split.test->size(), 20);
  std::map<int, int> labels;
  for (int64_t i = 0; i < 20; ++i) ++labels[split.test->label(i)];
  for (int label = 0; label < 10; ++label) EXPECT_EQ(labels[label], 2) << label;
  std::set<std::string> all = contents(*split.train);
  all.merge(contents(*split.test));
  EXPECT_EQ(all.size(), 200u) << "no image in both parts";
}

TEST(Cifar, SplitDependsOnContentNotOnOrderOrFiles) {
  const TemporaryFolder one, two;
  const std::string bytes = records(100, 0);
  one.put("data_batch_1.bin", bytes);
  std::string reversed;
  for (std::size_t i = 100; i-- > 0;) reversed += bytes.substr(i * 3073, 3073);
  two.put("data_batch_1.bin", reversed.substr(0, 30 * 3073));
  two.put("data_batch_2.bin", reversed.substr(30 * 3073));
  EXPECT_EQ(contents(*open_data(one.path().string()).test), contents(*open_data(two.path().string()).test));
}

TEST(Split, HashIsFrozen) {
  // Another value here moves images between training and validation of every existing run.
  std::vector<uint8_t> pixels(21);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 7);
  EXPECT_EQ(content_hash(pixels, 3), 8581905631087000340u);
}

TEST(Split, SmallSetsKeepBothPartsFilled) {
  const auto small = memory_dataset({"a", "b", "c"}, {1, 1, 1}, {1, 2, 3}, {0, 1, 2});
  const SplitIndices split = split_by_hash(*small, 0.1);
  EXPECT_EQ(split.validation.size(), 1u);
  EXPECT_EQ(split.train.size(), 2u);
  const auto single = memory_dataset({"a"}, {1, 1, 1}, {1}, {0});
  expect_error([&] { split_by_hash(*single, 0.1); }, ExitCode::bad_data, {"1 images"});
  expect_error([&] { split_by_hash(*small, 1.0); }, ExitCode::usage, {"between 0 and 1"});
}

}  // namespace
}  // namespace resnet
