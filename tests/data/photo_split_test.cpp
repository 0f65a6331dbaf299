// The automatic split of photos: every class in both parts, the same share of each, and nobody moves.
#include "data/photo_split.hpp"

#include "base/random.hpp"
#include "expect_error.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

namespace resnet {
namespace {

using Names = std::vector<std::string>;

const Names classes = {"a", "b", "c"};

/// Hashes as content_hash spreads them.
std::vector<PhotoFile> photos_of_class(int label, int count, const std::string& stream = "photos") {
  Rng rng(static_cast<uint64_t>(label), stream);
  std::vector<PhotoFile> photos;
  for (int i = 0; i < count; ++i) {
    PhotoFile photo{.file = {.name = fmt::format("{}/{}{}.jpg", label, stream, i)}, .label = label};
    photo.content = rng.below(int64_t{1} << 32) << 32 | rng.below(int64_t{1} << 32);
    photos.push_back(photo);
  }
  return photos;
}

std::vector<PhotoFile> photos_of(std::vector<int> counts, const std::string& stream = "photos") {
  std::vector<PhotoFile> photos;
  for (std::size_t label = 0; label < counts.size(); ++label)
    for (PhotoFile& photo : photos_of_class(static_cast<int>(label), counts[label], stream)) photos.push_back(photo);
  return photos;
}

int of_class(const std::vector<PhotoFile>& photos, int label) {
  int count = 0;
  for (const PhotoFile& photo : photos) count += photo.label == label ? 1 : 0;
  return count;
}

/// What a run writes.
SavedSplit saved(const PhotoSplit& split, const Names& names = classes) {
  std::string text = "part,class,file,content\n";
  for (const auto& [part, photos] : {std::pair("train", &split.train), {"validation", &split.validation}})
    for (const PhotoFile& photo : *photos)
      text += fmt::format("{},{},{},{:016x}\n", part, names[static_cast<std::size_t>(photo.label)], photo.file.name,
                          photo_hash(photo.content, photo.label));
  return {text, "split.csv"};
}

std::map<std::string, bool> sides(const PhotoSplit& split) {
  std::map<std::string, bool> result;
  for (const PhotoFile& photo : split.train) result[photo.file.name] = false;
  for (const PhotoFile& photo : split.validation) result[photo.file.name] = true;
  return result;
}

/// The names whose side in `after` is not that of `before`.
Names moved(const PhotoSplit& before, const PhotoSplit& after) {
  const auto now = sides(after);
  Names names;
  for (const auto& [name, validates] : sides(before))
    if (now.at(name) != validates) names.push_back(name);
  return names;
}

TEST(PhotoSplit, TakesTheSameShareOfEachClass) {
  const PhotoSplit split = split_photos(photos_of({2000, 1000, 500}), classes, 0.2, nullptr);
  EXPECT_NEAR(of_class(split.validation, 0), 400, 54);  // three deviations: 3 sqrt(n 0.2 0.8)
  EXPECT_NEAR(of_class(split.validation, 1), 200, 38);
  EXPECT_NEAR(of_class(split.validation, 2), 100, 27);
  EXPECT_EQ(split.train.size() + split.validation.size(), 3500u);
  EXPECT_TRUE(split.not_validated.empty());
}

TEST(PhotoSplit, GivesBothPartsSomethingOfEveryClass) {
  for (int count = 2; count < 12; ++count)
    for (const double fraction : {1e-9, 0.1, 0.9, 1 - 1e-9}) {
      const PhotoSplit split = split_photos(photos_of({count, 2, 3}), classes, fraction, nullptr);
      for (int label = 0; label < 3; ++label) {
        EXPECT_GE(of_class(split.train, label), 1) << count << " " << fraction;
        EXPECT_GE(of_class(split.validation, label), 1) << count << " " << fraction;
      }
    }
}

TEST(PhotoSplit, AnImageThatIsAloneIsForTraining) {
  for (const double fraction : {1e-9, 1 - 1e-9}) {
    const PhotoSplit split = split_photos(photos_of({1, 5}), classes, fraction, nullptr);
    EXPECT_EQ(of_class(split.train, 0), 1);
    EXPECT_EQ(split.not_validated, (Names{"a"}));
  }
  expect_error(
      [] {
        split_photos(photos_of({1, 1}), classes, 0.5, nullptr);
      },
      ExitCode::bad_data, {"has 2 usable images, none of which can be kept for validation"});
}

TEST(PhotoSplit, PhotosThatAreAddedMoveNone) {
  std::vector<PhotoFile> photos = photos_of({60, 40});
  const PhotoSplit before = split_photos(photos, classes, 0.2, nullptr);
  for (const PhotoFile& photo : photos_of({30, 90, 20}, "more")) photos.push_back(photo);
  EXPECT_EQ(moved(before, split_photos(photos, classes, 0.2, nullptr)), Names());
}

// In classes this small the rule of the hash needs help, and what helped is no longer needed when they grow.
TEST(PhotoSplit, ASavedSplitHoldsThoseOfSmallClassesToo) {
  int moved_without = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string stream = "small" + std::to_string(i);
    std::vector<PhotoFile> photos = photos_of({3, 4, 5}, stream);
    const PhotoSplit before = split_photos(photos, classes, 0.1, nullptr);
    const SavedSplit memory = saved(before);
    for (const PhotoFile& photo : photos_of({10, 10, 10}, stream + "+")) photos.push_back(photo);
    EXPECT_EQ(moved(before, split_photos(photos, classes, 0.1, &memory)), Names());
    moved_without += moved(before, split_photos(photos, classes, 0.1, nullptr)).empty() ? 0 : 1;
  }
  EXPECT_GT(moved_without, 0);  // or this test says nothing
}

TEST(PhotoSplit, ASavedSplitKnowsPhotosUnderOtherNamesAndBesideNewClasses) {
  const PhotoSplit before = split_photos(photos_of({3, 4, 5}), classes, 0.1, nullptr);
  const SavedSplit memory = saved(before);
  const Names more = {"0", "a", "b", "c"};
  for (const auto& [photos, validates] : {std::pair(&before.train, false), {&before.validation, true}})
    for (const PhotoFile& photo : *photos)
      EXPECT_EQ(memory.validates(classes[static_cast<std::size_t>(photo.label)], photo.content), validates);
  EXPECT_EQ(memory.validates("0", before.train[0].content), std::nullopt);
  EXPECT_EQ(memory.validates("a", 12345), std::nullopt);
  std::vector<PhotoFile> later = photos_of({0, 3, 4, 5});
  const std::vector<PhotoFile> old = photos_of({3, 4, 5});
  for (std::size_t i = 0; i < old.size(); ++i) later[i].content = old[i].content;
  later.push_back({.file = {.name = "new"}, .label = 0, .content = 77});
  later.push_back({.file = {.name = "newer"}, .label = 0, .content = uint64_t{77} << 50});
  const PhotoSplit split = split_photos(later, more, 0.1, &memory);
  EXPECT_EQ(split.validation.size(), before.validation.size() + 1);
}

TEST(PhotoSplit, CopiesStayTogether) {
  std::vector<PhotoFile> photos = photos_of({3, 3});
  for (int copy = 0; copy < 5; ++copy)
    for (const PhotoFile& photo : photos_of({3, 3})) photos.push_back(photo);
  const PhotoSplit split = split_photos(photos, classes, 1e-9, nullptr);
  for (const PhotoFile& a : split.train)
    for (const PhotoFile& b : split.validation) EXPECT_NE(a.content, b.content);
  EXPECT_EQ(of_class(split.validation, 0), 6);
}

TEST(PhotoSplit, AClassHeldOutOfTrainingIsRefused) {
  const PhotoSplit all_of_a{.train = photos_of_class(1, 3), .validation = photos_of_class(0, 2), .not_validated = {}};
  const SavedSplit memory = saved(all_of_a);
  expect_error(
      [&] {
        split_photos(photos_of({2, 3}), classes, 0.5, &memory);
      },
      ExitCode::bad_data, {"class 'a' has no images for training", "all its 2 images"});
}

TEST(PhotoSplit, OtherTablesAreRefused) {
  expect_error([] { SavedSplit("", "x.csv"); }, ExitCode::bad_data, {"x.csv: names no images"});
  expect_error([] { SavedSplit("file,reason\na.jpg,empty\n", "x.csv"); }, ExitCode::bad_data,
               {"x.csv: line 2: expected part, class, file and content"});
  expect_error([] { SavedSplit("t\ntrain,a,1.jpg,12g4\n", "x.csv"); }, ExitCode::bad_data, {"line 2"});
  expect_error([] { SavedSplit::read("/nowhere/split.csv"); }, ExitCode::bad_data, {"/nowhere/split.csv"});
}

}  // namespace
}  // namespace resnet
