// Study degradation, made small: what it leaves, and what it refuses.
#include "study/degradation/degradation.hpp"

#include "../small_study.hpp"

#include "base/log.hpp"

namespace resnet::test {
namespace {

class Degradation : public SmallStudy {
 protected:
  Degradation() { set_log_level(LogLevel::error); }
  ~Degradation() override { set_log_level(LogLevel::info); }

  std::string error_of(StudyChanges changes) {
    try {
      run("degradation", "refused", changes);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  const StudyChanges small = {{"--data", "builtin:patterns?size=8&count=78"},
                              {"--depths", "14,8"},
                              {"--epochs", "2"},
                              {"--batch", "8"},
                              {"--seeds", "2"},
                              {"--precision", "fp32"}};
};

TEST_F(Degradation, TrainsEachNetworkWithEachSeed) {
  const Json results = run("degradation", "run", small, 1);
  ASSERT_EQ(results["networks"].size(), 4);
  const Json& deep = results["networks"][3];
  EXPECT_EQ(deep["model"], "resnet14");
  EXPECT_EQ(deep["parameters"], results["networks"][1]["parameters"]);
  ASSERT_EQ(deep["runs"].size(), 2);
  EXPECT_EQ(deep["runs"][1]["run"], "resnet14-seed1");
  const double mean = (deep["runs"][0]["test_error"].get<double>() + deep["runs"][1]["test_error"].get<double>()) / 2;
  EXPECT_DOUBLE_EQ(deep["test_error"]["mean"].get<double>(), mean);
  EXPECT_TRUE(path_exists(folder / "run/runs/plain8-seed0/checkpoints/best.safetensors"));
  for (const char* figure : {"plain-training", "plain-test", "resnet-training", "resnet-test", "depth-test"})
    EXPECT_TRUE(path_exists(folder / "run/figures" / text_of(figure, ".svg"))) << figure;
  const std::string page = bytes("run/report.html");
  EXPECT_NE(page.find("not decided"), std::string::npos) << "two seeds decide nothing";
  EXPECT_EQ(page.find("ublished"), std::string::npos) << "the paper's figures are of CIFAR-10";
}

TEST_F(Degradation, TakesTheRunsOfAnother) {
  run("degradation", "run", small, 1);
  StudyChanges again = small;
  again["--runs"] = (folder / "run/runs").string();
  run("degradation", "again", again, 1);
  EXPECT_EQ(bytes("run/results.json"), bytes("again/results.json"));
  EXPECT_FALSE(path_exists(folder / "again/runs"));
}

TEST_F(Degradation, RefusesWhatItCannotTrain) {
  EXPECT_EQ(error_of({{"--depths", "21"}}),
            "resnet study degradation: --depths: expected 8, 14, 20, 26 or another 6n + 2, got 21");
  EXPECT_EQ(error_of({{"--families", "vgg"}}),
            "resnet study degradation: --families: expected plain, resnet or both with a comma between, got 'vgg'");
  EXPECT_NE(error_of({{"--depths", "50"}, {"--families", "resnet"}}).find("is a network for ImageNet"),
            std::string::npos);
  EXPECT_NE(error_of({{"--data", "nowhere"}}).find("nowhere"), std::string::npos);
  EXPECT_FALSE(path_exists(folder / "refused"));
}

TEST(Published, ErrorsAreThoseOfTable6) {
  EXPECT_EQ(published_error("resnet", 20), 8.75);
  EXPECT_EQ(published_error("resnet", 110), 6.43);
  EXPECT_EQ(published_error("resnet", 26), std::nullopt);
  EXPECT_EQ(published_error("plain", 56), std::nullopt);
  EXPECT_EQ(published_text("plain", 56), "about 13 (drawn)");
}

}  // namespace
}  // namespace resnet::test
