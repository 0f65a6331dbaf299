// ImageNet's classes, and its validation images as they are published.
#include "data/imagenet.hpp"

#include "base/error.hpp"
#include "data/open.hpp"
#include "support/pictures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>

namespace resnet {
namespace {

TEST(ImagenetClassesTest, AreTheThousandInTheirOrder) {
  const auto classes = imagenet_classes();
  ASSERT_EQ(classes.size(), 1000u);
  EXPECT_TRUE(std::ranges::is_sorted(classes, std::less{}, &ImagenetClass::synset));
  std::set<int> numbers;
  std::set<std::string_view> names, synsets;
  for (const ImagenetClass& item : classes) {
    numbers.insert(item.number);
    names.insert(item.name);
    synsets.insert(item.synset);
  }
  EXPECT_EQ(numbers.size(), 1000u);
  EXPECT_EQ(*numbers.begin(), 1);
  EXPECT_EQ(*numbers.rbegin(), 1000);
  EXPECT_EQ(names.size(), 1000u);
  EXPECT_EQ(synsets.size(), 1000u);
}

TEST(ImagenetClassesTest, HaveTheKnownLabelsAndNumbers) {
  const auto classes = imagenet_classes();
  const std::pair<std::size_t, const char*> known[] = {
      {0, "tench"}, {207, "golden retriever"}, {281, "tabby"}, {388, "giant panda"}, {999, "toilet tissue"}};
  for (const auto& [label, name] : known) EXPECT_EQ(classes[label].name, name);
  EXPECT_EQ(classes[0].synset, "n01440764");
  // The first five lines of the development kit's ground truth, and the labels that Caffe's val.txt has for them.
  const std::pair<int, std::size_t> first[] = {{490, 65}, {361, 970}, {171, 230}, {822, 809}, {297, 516}};
  for (const auto& [number, label] : first) EXPECT_EQ(classes[label].number, number);
}

TEST(ImagenetClassesTest, HaveTwoNames) {
  EXPECT_EQ(other_imagenet_name("n02099601"), "golden retriever");
  EXPECT_EQ(other_imagenet_name("golden retriever"), "n02099601");
  EXPECT_EQ(other_imagenet_name("retriever"), std::nullopt);
}

class ImagenetValidationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "resnet-imagenet-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    for (const int number : {1, 2, 5})
      test::put(images() / fmt::format("ILSVRC2012_val_{:08}.JPEG", number), test::picture_bytes(20, 30, number));
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path images() const { return folder_ / "val"; }
  /// The labels as the lists give them for the first five images.
  void expect_known_labels() const {
    const DataSplit data = open_data(images().string());
    EXPECT_EQ(data.train, nullptr);
    ASSERT_EQ(data.test->size(), 3);
    EXPECT_EQ(data.test->label(0), 65);
    EXPECT_EQ(data.test->label(1), 970);
    EXPECT_EQ(data.test->label(2), 516);
    EXPECT_EQ(data.test->classes().at(65), "n01751748");
  }

  fs::path folder_;
};

TEST_F(ImagenetValidationTest, TakesTheDevelopmentKitsNumbers) {
  test::put(folder_ / "ILSVRC2012_devkit_t12" / "data" / "ILSVRC2012_validation_ground_truth.txt",
            "490\n361\n171\n822\n297\n");
  expect_known_labels();
}

TEST_F(ImagenetValidationTest, TakesFilesWithLabels) {
  test::put(images() / "val.txt",
            "ILSVRC2012_val_00000002.JPEG 970\nILSVRC2012_val_00000001.JPEG 65\nILSVRC2012_val_00000005.JPEG 516\n");
  expect_known_labels();
}

TEST_F(ImagenetValidationTest, TakesSynsets) {
  test::put(folder_ / "imagenet_2012_validation_synset_labels.txt",
            "n01751748\nn09193705\nn02105855\nn04263257\nn03125729\n");
  expect_known_labels();
}

TEST_F(ImagenetValidationTest, TakesKagglesTable) {
  test::put(folder_ / "LOC_val_solution.csv",
            "ImageId,PredictionString\nILSVRC2012_val_00000005,n03125729 85 1 499 272 \n"
            "ILSVRC2012_val_00000001,n01751748 1 2 3 4 \nILSVRC2012_val_00000002,n09193705 1 2 3 4 \n");
  expect_known_labels();
}

TEST_F(ImagenetValidationTest, SaysWhatIsMissing) {
  const auto message = [&] {
    try {
      open_data(images().string());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  EXPECT_NE(message().find("ILSVRC2012_validation_ground_truth.txt"), std::string::npos) << message();
  test::put(images() / "val.txt", "ILSVRC2012_val_00000001.JPEG 1000\n");
  EXPECT_NE(message().find("line 1"), std::string::npos) << message();
  test::put(images() / "val.txt", "ILSVRC2012_val_00000001.JPEG 65\n");
  EXPECT_NE(message().find("says nothing of ILSVRC2012_val_00000002.JPEG"), std::string::npos) << message();
}

}  // namespace
}  // namespace resnet
