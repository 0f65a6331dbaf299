// From a folder of photos to predictions, as a user does it.
#include "cli/program.hpp"
#include "support/pictures.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace resnet::test {
namespace {

class Predict : public testing::Test {
 protected:
  void SetUp() override {
    put_photos(here.path() / "photos", 12);
    const Outcome trained = here.run(
        {"train", "photos", "--model", "resnet8", "--size", "16", "--epochs", "1", "--batch", "8", "--out", "run"});
    ASSERT_EQ(trained.code, 0) << trained.err;
    EXPECT_NE(trained.err.find("2 classes, "), std::string::npos) << trained.err;
    EXPECT_NE(trained.err.find("chosen by a hash of their content"), std::string::npos) << trained.err;
  }
  Workplace here;
};

TEST_F(Predict, PrintsTextTablesAndJson) {
  const nlohmann::json list = here.run({"predict", "run", "photos", "--json"}).json();
  ASSERT_EQ(list.size(), 24u);
  EXPECT_EQ(list[0]["file"], "photos/bright/0.ppm");
  ASSERT_EQ(list[0]["classes"].size(), 2u);
  EXPECT_EQ(list[0].size(), 2u);
  const double first = list[0]["classes"][0]["probability"], second = list[0]["classes"][1]["probability"];
  EXPECT_NEAR(first + second, 1, 1e-12);
  EXPECT_GE(first, second);

  const Outcome table = here.run({"predict", "run", "photos/dark/1.ppm", "--csv", "--top-k", "1"});
  EXPECT_EQ(table.code, 0);
  EXPECT_TRUE(table.out.starts_with("file,label,probability\nphotos/dark/1.ppm,")) << table.out;
  EXPECT_EQ(std::ranges::count(table.out, '\n'), 2);

  const Outcome text = here.run({"predict", "run/checkpoints/last.safetensors", "photos/dark/1.ppm"});
  EXPECT_EQ(text.code, 0);
  EXPECT_TRUE(text.out.starts_with("photos/dark/1.ppm  ")) << text.out;
}

TEST_F(Predict, ABadImageIsNamedAndTheOthersArePredicted) {
  put(here.path() / "broken.jpg", "no picture");
  const Outcome outcome = here.run({"predict", "run", "broken.jpg", "photos/dark/1.ppm", "missing.png", "--csv"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.out.find("photos/dark/1.ppm,"), std::string::npos);
  EXPECT_NE(outcome.err.find("broken.jpg: is no image"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("missing.png: cannot be opened"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("2 of 3 images could not be read"), std::string::npos) << outcome.err;
}

TEST_F(Predict, RefusesWhatHasNoWeights) {
  const Outcome zoo = here.run({"predict", "resnet50", "photos/dark/1.ppm"});
  EXPECT_EQ(zoo.code, 2);
  EXPECT_NE(zoo.err.find("resnet train DATA --model resnet50"), std::string::npos) << zoo.err;
  const Outcome missing = here.run({"predict", "nothing", "photos/dark/1.ppm"});
  EXPECT_EQ(missing.code, 4);
  EXPECT_TRUE(is_one_line(missing.err)) << missing.err;
  EXPECT_EQ(here.run({"predict", "run"}).code, 2);
  EXPECT_EQ(here.run({"predict", "run", "photos", "--csv", "--json"}).code, 2);
}

TEST_F(Predict, EvaluationSaysWhatTheTrainingSaid) {
  const nlohmann::json run = here.run({"eval", "run", "--json"}).json();
  const nlohmann::json file = here.run({"eval", "run/checkpoints/best.safetensors", "photos", "--json"}).json();
  EXPECT_EQ(run, file);
}

}  // namespace
}  // namespace resnet::test
