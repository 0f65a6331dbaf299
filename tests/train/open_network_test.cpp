// Networks by name: published weights from the cache, with torchvision's preprocessing and ImageNet's classes.
#include "train/open_network.hpp"

#include "base/error.hpp"
#include "data/imagenet.hpp"
#include "fetch/fetch.hpp"
#include "support/commands.hpp"
#include "support/pictures.hpp"
#include "train/predict.hpp"
#include "train/support.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

namespace resnet {
namespace {

/// Fewer bytes than this per value would not be the network. torchvision stores two of them with 16 bits a value.
TEST(PublishedWeightsTest, HaveTheSizeOfTheirNetworks) {
  for (const Published& item : published()) {
    if (item.is_data()) continue;
    SCOPED_TRACE(item.name);
    const Graph graph = forward_graph(find_model(item.model), 1, Mode::inference);
    int64_t values = 0;
    for (const ValueInfo& value : graph.values())
      if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic) values += value.shape.elements();
    const bool half = item.name == "wide_resnet50_2" || item.name == "wide_resnet101_2";
    const double bytes = static_cast<double>(item.files[0].most_bytes) / static_cast<double>(values);
    EXPECT_NEAR(bytes / (half ? 2 : 4), 1, 0.02);
  }
}

class PublishedNetworkTest : public QuietRun {
 protected:
  void SetUp() override {
    QuietRun::SetUp();
    ::setenv("XDG_CACHE_HOME", (folder / "").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("XDG_CACHE_HOME");
    QuietRun::TearDown();
  }
};

TEST_F(PublishedNetworkTest, SaysHowToFetchIt) {
  EXPECT_TRUE(is_published_weights("resnet50.v2"));
  EXPECT_FALSE(is_published_weights("resnet20"));
  EXPECT_FALSE(is_published_weights("cifar10"));
  for (const auto& resolve : {resolved_weights, resolved_data}) {
    const std::string name = resolve == resolved_data ? "cifar10" : "resnet50";
    try {
      resolve(name);
      ADD_FAILURE() << "nothing was refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_NE(std::string(error.what()).find("`resnet fetch " + name + "`"), std::string::npos) << error.what();
    }
    EXPECT_EQ(resolve("some/folder"), "some/folder");
  }
}

using PeersPublishedNetworkSlow = PublishedNetworkTest;

TEST_F(PeersPublishedNetworkSlow, PredictsWhatTorchvisionPredicts) {
  if (!test::works("/usr/bin/python3 -c 'import torch, torchvision'"))
    GTEST_SKIP() << "no torchvision in /usr/bin/python3: apt-get install python3-torchvision";
  const fs::path image = folder / "image.ppm";
  test::put(image, test::picture_bytes(333, 417, 3));
  for (const char* name : {"resnet18", "resnet50.v2", "densenet121"}) {
    SCOPED_TRACE(name);
    const Published& item = expect_published(name);
    const fs::path weights = folder / "resnet" / "weights" / item.files[0].name();
    fs::create_directories(weights.parent_path());
    const auto printed = test::output_of(fmt::format("/usr/bin/python3 -W ignore {} {} '{}' {} '{}'",
                                                     test::quoted_test_file("train/published.py"), item.model,
                                                     weights.string(), item.resize, image.string()));
    ASSERT_TRUE(printed);
    const Predictions predictions = predict({.model = name, .images = {image.string()}, .top_k = 1000, .threads = 2});
    std::map<std::string, double> ours;
    for (const ClassProbability& guess : predictions.images.at(0).classes) ours[guess.label] = guess.probability;
    ASSERT_EQ(ours.size(), 1000u);
    std::istringstream theirs(*printed);
    for (const ImagenetClass& item_class : imagenet_classes()) {
      double expected = 0;
      theirs >> expected;
      EXPECT_NEAR(ours.at(std::string(item_class.name)) / expected, 1, 1e-3) << item_class.name;
    }
  }
}

}  // namespace
}  // namespace resnet
