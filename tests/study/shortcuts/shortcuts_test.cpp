// Study shortcuts, made small: its table of variants, what it leaves, and that its runs are ordinary ones.
#include "study/shortcuts/shortcuts.hpp"

#include "../small_study.hpp"

#include "base/log.hpp"
#include "models/cost.hpp"
#include "models/watch.hpp"
#include "train/open_network.hpp"

#include <set>

namespace resnet::test {
namespace {

class Shortcuts : public SmallStudy {
 protected:
  Shortcuts() { set_log_level(LogLevel::error); }
  ~Shortcuts() override { set_log_level(LogLevel::info); }

  const StudyChanges small = {{"--data", "builtin:patterns?size=8&count=78"},
                              {"--depth", "8"},
                              {"--epochs", "1"},
                              {"--batch", "8"},
                              {"--precision", "fp32"}};
};

// 1x1 gates with biases: 3 of 16 to 16, 16 to 32 and 2 of 32 to 32, 32 to 64 and 2 of 64 to 64 channels; option B has
// projections with batch norm at both changes of shape, option C everywhere.
TEST(ShortcutVariants, HaveTheParametersOfTheirParts) {
  const int64_t original = 269'722;
  const int64_t gates = 3 * (16 * 16 + 16) + (16 * 32 + 32) + 2 * (32 * 32 + 32) + (32 * 64 + 64) + 2 * (64 * 64 + 64);
  const int64_t changes = (16 * 32 + 64) + (32 * 64 + 128);
  const int64_t identities = 3 * (16 * 16 + 32) + 2 * (32 * 32 + 64) + 2 * (64 * 64 + 128);
  // The stem's batch norm of 16 channels is gone, one of 64 stands before the pooling; the first of the two blocks that
  // change the shape normalise what comes in, half as many channels as go out.
  const int64_t moved_norms = 2 * (64 - 16) - 2 * 16 - 2 * 32;
  std::set<std::string> names;
  for (const ShortcutVariant& variant : shortcut_variants()) {
    const ModelSpec spec = variant_of(variant, 20);
    const std::string name = variant.name;
    names.insert(spec.name);
    int64_t expected = original;
    if (name.find("gate") != std::string::npos) expected += gates;
    if (name == "option-b") expected += changes;
    if (name == "option-c") expected += changes + identities;
    if (name == "pre-activation") expected += moved_norms;
    EXPECT_EQ(network_cost(spec).parameters, expected) << name;
    EXPECT_EQ(weight_layers(spec), 20) << name;
  }
  EXPECT_EQ(names.size(), shortcut_variants().size()) << "runs of two variants would have one name";
}

// What other studies look into: every block is found, and no gate or projection counts as a layer.
TEST(ShortcutVariants, AreUnderstoodByOtherStudies) {
  for (const ShortcutVariant& variant : shortcut_variants()) {
    const WatchedGraph watched = watch(loss_graph(variant_of(variant, 14), 2, Mode::training));
    EXPECT_EQ(watched.blocks.size(), 6u) << variant.name;
    EXPECT_EQ(watched.layers.size(), 14u) << variant.name;
  }
}

TEST_F(Shortcuts, TrainTheChosenVariantsBesideTheOriginal) {
  StudyChanges changes = small;
  changes["--variants"] = "exclusive-gate,pre-activation";
  changes["--seeds"] = "2";
  const Json results = run("shortcuts", "run", changes, 1);
  ASSERT_EQ(results["variants"].size(), 3);
  EXPECT_EQ(results["variants"][0]["variant"], "original");
  EXPECT_EQ(results["variants"][1]["network"], "resnet8-exclusive-gate");
  EXPECT_EQ(results["variants"][1]["test_error"]["count"], 2);
  EXPECT_EQ(results["variants"][2]["published_resnet110"], "6.37");
  const OpenedModel model = open_network((folder / "run/runs/resnet8-exclusive-gate-seed1").string());
  EXPECT_EQ(model.info.spec.gate, Gate::exclusive);
  EXPECT_EQ(model.info.spec.gate_bias, -6);
  for (const char* figure : {"gating-training", "gating-end", "activation-test"})
    EXPECT_TRUE(path_exists(folder / "run/figures" / text_of(figure, ".svg"))) << figure;
  EXPECT_FALSE(path_exists(folder / "run/figures/options-end.svg")) << "no variant of that group was chosen";
}

TEST_F(Shortcuts, TakeTheRunsOfStudyDegradation) {
  StudyChanges degradation = small;
  degradation.erase("--depth");
  degradation["--depths"] = "8";
  degradation["--families"] = "resnet";
  run("degradation", "degradation", degradation, 1);
  StudyChanges changes = small;
  changes["--variants"] = "original";
  changes["--runs"] = (folder / "degradation/runs").string();
  const Json results = run("shortcuts", "shortcuts", changes, 1);
  EXPECT_EQ(results["variants"][0]["runs"][0]["run"], "resnet8-seed0");
  EXPECT_FALSE(path_exists(folder / "shortcuts/runs"));
}

TEST_F(Shortcuts, NameTheVariantsTheyKnow) {
  try {
    run("shortcuts", "refused", {{"--variants", "exclusive-gat"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("unknown variant 'exclusive-gat'"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("exclusive-gate"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(path_exists(folder / "refused"));
}

}  // namespace
}  // namespace resnet::test
