// Folders of photos: what is found, which class and part it belongs to, and what is said about the rest.
#include "data/photos.hpp"
#include "data/class_folders.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "data/prepare.hpp"
#include "data/resize.hpp"
#include "expect_error.hpp"
#include "support/pictures.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace resnet {
namespace {

using Names = std::vector<std::string>;

class PhotoFolder : public testing::Test {
 protected:
  /// Every picture is another one, unless a seed says which.
  void put(const std::string& file) { put(file, 1000 + ++pictures_); }
  void put(const std::string& file, int seed, int channels = 3) {
    folder.put(file, test::picture_bytes(10, 12, seed, channels));
  }
  DataSplit open(double validation = 0.1) {
    return open_data(folder.path().string(), {.threads = 2, .validation = validation});
  }
  TemporaryFolder folder;

 private:
  int pictures_ = 0;
};

Names files_of(const Dataset& dataset) {
  Names names;
  for (int64_t index = 0; index < dataset.size(); ++index) names.push_back(dataset.name_of(index));
  return names;
}

TEST_F(PhotoFolder, PartsAndClassesComeFromTheFolders) {
  for (const char* file : {"train/b/1.ppm", "train/b/deep/er/2.PPM", "train/B/3.pgm", "train/a/4.ppm", "val/a/5.ppm",
                           "val/b/6.ppm", "train/a/.hidden.ppm", "train/.cache/7.ppm", "train/a/notes.txt"})
    put(file);
  const DataSplit split = open();
  EXPECT_EQ(split.train->classes(), (Names{"B", "a", "b"}));  // by bytes
  EXPECT_EQ(files_of(*split.train),
            (Names{"train/B/3.pgm", "train/a/4.ppm", "train/b/1.ppm", "train/b/deep/er/2.PPM"}));
  EXPECT_EQ(split.test_name, "validation");
  EXPECT_EQ(files_of(*split.test), (Names{"val/a/5.ppm", "val/b/6.ppm"}));
  EXPECT_EQ(split.test->classes(), split.train->classes());
  EXPECT_EQ(split.test->label(1), 2);
  EXPECT_NE(split.note.find("val/ has no images of class 'B'"), std::string::npos) << split.note;
  EXPECT_TRUE(split.train->image_shape() == (Shape{3, 0, 0}));
}

TEST_F(PhotoFolder, AClassThatTrainingLacksIsNamed) {
  put("train/a/1.ppm");
  put("train/b/1.ppm");
  put("validation/c/1.ppm");
  expect_error([&] { open(); }, ExitCode::bad_data, {"validation/ has class 'c'", "train/ has not"});
}

TEST_F(PhotoFolder, ATestPartComesBeforeValidation) {
  for (const char* file : {"train/a/1.ppm", "train/b/1.ppm", "val/a/2.ppm", "test/a/3.ppm", "other/a/1.ppm"}) put(file);
  const DataSplit split = open();
  EXPECT_EQ(split.test_name, "test");
  EXPECT_EQ(files_of(*split.test), (Names{"test/a/3.ppm"}));
  EXPECT_NE(split.note.find("val/ is not used"), std::string::npos) << split.note;
  EXPECT_NE(split.note.find("'other' is in none of the parts"), std::string::npos) << split.note;
}

TEST_F(PhotoFolder, AFolderOfTrainsIsAClass) {
  for (const char* file : {"train/1.ppm", "train/2.ppm", "car/1.ppm", "car/2.ppm"}) put(file);
  EXPECT_EQ(open(0.5).train->classes(), (Names{"car", "train"}));
}

TEST_F(PhotoFolder, TheFolderAboveIsUnderstoodAsWell) {
  for (const char* file : {"set/train/a/1.ppm", "set/train/b/1.ppm", "set/test/a/2.ppm"}) put(file);
  EXPECT_EQ(open().test->size(), 1);
  put("more/a/1.ppm");
  expect_error([&] { open(); }, ExitCode::bad_data, {"folder 'set' has parts of its own", "name that folder"});
}

TEST_F(PhotoFolder, EmptyClassesAreLeftOut) {
  for (const char* file : {"a/1.ppm", "a/2.ppm", "b/1.ppm", "c/readme.txt"}) put(file);
  const DataSplit split = open(0.4);
  EXPECT_EQ(split.train->classes(), (Names{"a", "b"}));
  EXPECT_NE(split.note.find("class 'c' has no images and is left out"), std::string::npos) << split.note;
}

TEST_F(PhotoFolder, PicturesOfOtherFormatsAreNamedOnce) {
  for (const char* file : {"a/1.ppm", "a/2.ppm", "b/1.ppm", "a/x.gif", "b/y.TIF", "b/notes.txt"}) put(file);
  EXPECT_NE(open().note.find("2 files (gif, tif) are left out"), std::string::npos) << open().note;
}

TEST_F(PhotoFolder, WhatIsNoDataSetIsRefused) {
  put("a/1.ppm");
  expect_error([&] { open(); }, ExitCode::bad_data, {"only one class, 'a'"});
  std::filesystem::remove_all(folder.path() / "a");
  put("1.ppm");
  expect_error([&] { open(); }, ExitCode::bad_data, {"no images in class folders", "FOLDER/CLASS/image.jpg"});
}

TEST_F(PhotoFolder, LinksInCirclesEnd) {
  for (const char* file : {"a/1.ppm", "a/2.ppm", "b/1.ppm"}) put(file);
  std::filesystem::create_directory_symlink(folder.path(), folder.path() / "a" / "up");
  std::filesystem::create_directory_symlink(folder.path() / "b", folder.path() / "c");
  const DataSplit split = open(0.5);
  EXPECT_EQ(split.train->classes(), (Names{"a", "b", "c"}));
  EXPECT_EQ(split.train->size() + split.test->size(), 4);
}

TEST_F(PhotoFolder, ImagesThatAreAddedMoveNoOthers) {
  const auto put_many = [&](int first, int last) {
    for (int k = first; k < last; ++k) put((k % 2 ? "a/" : "b/") + std::to_string(k) + ".ppm", k);
  };
  put_many(0, 60);
  const Names before = files_of(*open(0.3).test);
  EXPECT_GT(before.size(), 8u);
  EXPECT_LT(before.size(), 30u);
  put_many(60, 120);
  const Names after = files_of(*open(0.3).test);
  EXPECT_GT(after.size(), before.size());
  const std::set<std::string> kept(after.begin(), after.end());
  for (const std::string& file : before) EXPECT_TRUE(kept.contains(file)) << file;
  const DataSplit split = open(0.3);
  for (const std::string& file : files_of(*split.train)) EXPECT_FALSE(kept.contains(file)) << file;
}

TEST_F(PhotoFolder, NeitherPartIsEmpty) {
  for (int k = 0; k < 3; ++k) put((k % 2 ? "a/" : "b/") + std::to_string(k) + ".ppm", k);
  for (const double validation : {1e-9, 1 - 1e-9}) {
    const DataSplit split = open(validation);
    EXPECT_EQ(std::min(split.train->size(), split.test->size()), 1) << validation;
    EXPECT_EQ(split.train->size() + split.test->size(), 3);
  }
}

TEST_F(PhotoFolder, AllImagesCanBeForValidation) {
  for (const char* file : {"a/1.ppm", "a/2.ppm", "b/1.ppm"}) put(file);
  const DataSplit split = open(1);
  EXPECT_EQ(split.train, nullptr);
  EXPECT_EQ(split.test->size(), 3);
}

TEST_F(PhotoFolder, BadHeadersAreLeftOutAndNamed) {
  for (const char* file : {"a/1.ppm", "a/2.ppm", "b/1.ppm"}) put(file);
  folder.put("a/empty.jpg", "");
  folder.put("b/text.png", "no picture");
  const DataSplit split = open(0.4);
  EXPECT_EQ(split.train->size() + split.test->size(), 3);
  ASSERT_EQ(split.bad.size(), 2u);
  EXPECT_EQ(split.bad[0].file, "a/empty.jpg");
  EXPECT_NE(split.bad[0].reason.find("empty"), std::string::npos);
  EXPECT_EQ(split.bad[1].file, "b/text.png");
}

TEST_F(PhotoFolder, GreyPicturesStayGrey) {
  put("a/1.pgm", 1, 1);
  put("a/2.pgm", 2, 1);
  put("b/1.pgm", 3, 1);
  EXPECT_EQ(open(0.4).preprocessing.channels, 1);
  put("b/2.ppm");
  EXPECT_EQ(open(0.4).preprocessing.channels, 3);
}

/// Photos through a loader, with one file damaged behind its header.
class PhotoLoader : public PhotoFolder {
 protected:
  void SetUp() override {
    test::put_photos(folder.path(), 8);
    std::string bytes = test::picture_bytes(20, 24, 3);
    folder.put("dark/3.ppm", bytes.substr(0, bytes.size() - 100));
  }
  std::shared_ptr<const Dataset> all() {
    const DataSplit split = open(1e-9);  // one image for validation, which is not the damaged one
    return split.train;
  }
  const Preprocessing preprocessing{.height = 16, .width = 16, .resize = 18};
};

TEST_F(PhotoLoader, EvaluationShowsWhatPrepareMakes) {
  const auto photos = all();
  Loader loader(photos, preprocessing, {.batch = 4, .training = false});
  const Batch& batch = loader.next();
  const Image whole = photos->picture(1, {}).image;
  const Image expected = centre_crop(resize_shorter_side(whole, 18, Filter::bilinear), 16, 16);
  EXPECT_EQ(prepare(whole, preprocessing), expected);
  std::vector<float> planes(expected.pixels.size());
  normalise(expected, normalisation_table(preprocessing), planes);
  const auto images = batch.images.data<float>().subspan(planes.size(), planes.size());
  EXPECT_TRUE(std::equal(planes.begin(), planes.end(), images.begin()));
  std::vector<uint8_t> pixels(planes.size()), same(planes.size());
  prepared(photos, preprocessing)->read(1, pixels);
  to_planes(expected, same);
  EXPECT_EQ(pixels, same);
}

TEST_F(PhotoLoader, EvaluationLeavesABadImageOut) {
  const auto photos = all();
  Loader loader(photos, preprocessing, {.batch = 4, .training = false, .threads = 2});
  int64_t count = 0;
  std::vector<std::string> bad;
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    const Batch& batch = loader.next();
    count += batch.count;
    ASSERT_EQ(batch.count, std::ssize(batch.indices));
    for (std::size_t n = 0; n < batch.indices.size(); ++n)
      EXPECT_EQ(batch.labels.data<int32_t>()[n], photos->label(batch.indices[n]));
    for (const BadImage& image : batch.bad) bad.push_back(image.file);
  }
  EXPECT_EQ(bad, (Names{"dark/3.ppm"}));
  EXPECT_EQ(count, photos->size() - 1);
}

TEST_F(PhotoLoader, TrainingReplacesABadImageWhateverTheThreads) {
  const auto photos = all();
  const auto batches = [&](int threads) {
    std::vector<std::vector<float>> images;
    std::vector<std::string> bad;
    Loader loader(photos, preprocessing,
                  {.batch = 4, .augmentation = {.pad = 0, .resized_crop = 0.3}, .seed = 5, .threads = threads});
    for (int step = 0; step < 8; ++step) {
      const Batch& batch = loader.next();
      EXPECT_TRUE(batch.step == 3 || batch.count == 4);
      images.emplace_back(batch.images.data<float>().begin(), batch.images.data<float>().end());
      for (const BadImage& image : batch.bad) bad.push_back(image.file);
    }
    return std::pair(images, bad);
  };
  const auto expected = batches(1);
  EXPECT_GE(expected.second.size(), 2u);  // once an epoch, and where it was drawn in place of another
  for (const std::string& file : expected.second) EXPECT_EQ(file, "dark/3.ppm");
  for (const int threads : {2, 3, 4}) EXPECT_EQ(batches(threads), expected) << threads;
}

TEST_F(PhotoLoader, ManyBadImagesInARowAreAnError) {
  for (int k = 0; k < 8; ++k)
    for (const char* name : {"dark/", "bright/"})
      folder.put(name + std::to_string(k) + ".ppm",
                 "P6\n20 20\n255\nshort" + std::string(1, name[0]) + std::to_string(k));
  Loader loader(all(), preprocessing, {.batch = 4});
  expect_error([&] { loader.next(); }, ExitCode::bad_data, {"none of 100 images"});
}

}  // namespace
}  // namespace resnet
