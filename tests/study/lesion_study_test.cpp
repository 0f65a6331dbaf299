// Study lesion as a whole, made small: networks that are given or trained, stopping, threads, refusals.
#include "study/small_models.hpp"
#include "study/small_study.hpp"

namespace resnet::test {
namespace {

using LesionStudy = SmallStudy;

TEST_F(LesionStudy, StopsAndThreadsChangeNothing) {
  const std::string models = save_small_model(folder / "a.safetensors", "resnet8", 1) + "," +
                             save_small_model(folder / "b.safetensors", "plain8", 2);
  const StudyChanges changes = {
      {"--models", models}, {"--data", small_data}, {"--images", "20"}, {"--draws", "2"}, {"--paths", "8"}};
  const Json found = run("lesion", "whole", changes, 1);
  ASSERT_EQ(found["networks"].size(), 2);
  const Json &residual = found["networks"][0], &plain = found["networks"][1];
  EXPECT_EQ(found["images"], 20);
  EXPECT_EQ(residual["deleted"].size(), 3);
  EXPECT_EQ(residual["paths"].size(), 4);
  EXPECT_TRUE(plain["paths"].empty());
  EXPECT_FALSE(residual["several_deleted"].empty());
  EXPECT_TRUE(residual["exchanged"].empty()) << "one block for each stage: none can take another's place";
  EXPECT_FALSE(plain["exchanged"].empty());
  run("lesion", "part", changes, 2);
  cut("part", 9);
  run("lesion", "part", changes, 2);
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
  EXPECT_EQ(bytes("part/figures/deleted.svg"), bytes("whole/figures/deleted.svg"));
}

TEST_F(LesionStudy, TrainsItsOwnNetworks) {
  const StudyChanges changes = {{"--train", "resnet8"}, {"--data", "builtin:shapes?train=200&test=40"},
                                {"--epochs", "1"},      {"--images", "20"},
                                {"--draws", "1"},       {"--paths", "4"}};
  const Json found = run("lesion", "run", changes, 1);
  EXPECT_EQ(found["networks"][0]["network"], "resnet8");
  EXPECT_TRUE(fs::exists(folder / "run/runs/resnet8-seed0/checkpoints/best.safetensors"));
}

TEST_F(LesionStudy, RefusesWhatItCannotUse) {
  const std::string model = save_small_model(folder / "a.safetensors", "resnet8", 1);
  const std::string dense = save_small_model(folder / "dense.safetensors", "densenet40_12", 1);
  const std::vector<StudyChanges> wrong = {{{"--train", "resnet21"}},
                                           {{"--models", model}},  // a file does not know its data
                                           {{"--models", dense}, {"--data", small_data}},
                                           {{"--models", model}, {"--data", "builtin:patterns"}},
                                           {{"--models", "nothing.safetensors"}, {"--data", small_data}}};
  for (const StudyChanges& changes : wrong) {
    EXPECT_THROW(run("lesion", "wrong", changes), Error);
    EXPECT_FALSE(fs::exists(folder / "wrong"));
  }
}

}  // namespace
}  // namespace resnet::test
