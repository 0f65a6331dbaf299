// Recipes, what may be changed of them, and config.toml.
#include "train/recipe.hpp"
#include "base/error.hpp"
#include "models/model.hpp"
#include "support.hpp"
#include "train/config.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace resnet {
namespace {

TEST(Recipe, TheTableIsValidAndStartsWithTheDefault) {
  EXPECT_EQ(recipes().front().name, "short");
  for (const Recipe& recipe : recipes()) EXPECT_NO_THROW(check(recipe)) << recipe.name;
}

TEST(Recipe, PaperCifarIsThePapers) {
  const Recipe& recipe = find_recipe("paper-cifar");
  EXPECT_EQ(total_steps(recipe, 351), 64'000);
  EXPECT_EQ(recipe.batch, 128);
  EXPECT_FALSE(recipe.nesterov);
  EXPECT_TRUE(recipe.decay_all);
  EXPECT_DOUBLE_EQ(recipe.weight_decay, 1e-4);
  EXPECT_EQ(recipe.gentle.from_depth, 110);
}

TEST(Recipe, EpochsRescaleTheMilestones) {
  const Recipe recipe = changed(find_recipe("paper-cifar"), {.epochs = 10});
  const int64_t steps = total_steps(recipe, 100);
  EXPECT_EQ(steps, 1000);
  EXPECT_DOUBLE_EQ(learning_rate(recipe.schedule, 499, steps), 0.1);
  EXPECT_NEAR(learning_rate(recipe.schedule, 500, steps), 0.01, 1e-12);
}

TEST(Recipe, FlagsChangeTheOptimizer) {
  const Recipe recipe = changed(find_recipe("paper-cifar"), {.nesterov = true, .decay_all = false});
  EXPECT_TRUE(recipe.nesterov);
  EXPECT_FALSE(recipe.decay_all);
  EXPECT_FALSE(changed(recipes().front(), {.momentum = 0}).nesterov);
  EXPECT_EQ(error_of([] { changed(recipes().front(), {.momentum = 0, .nesterov = true}); }),
            "2: --nesterov needs a --momentum above 0");
}

TEST(Recipe, WrongValuesAreNamed) {
  const Recipe& base = recipes().front();
  EXPECT_EQ(error_of([] { find_recipe("shrot"); }),
            "2: --recipe: unknown name 'shrot'; there are short, paper-cifar, photos");
  EXPECT_EQ(error_of([&] { changed(base, {.epochs = 0}); }),
            "2: expected --epochs or --iterations to be 1 to 1000000000 and the other 0, got epochs 0, iterations 0");
  EXPECT_EQ(error_of([&] { changed(base, {.batch = 0}); }), "2: --batch must be 1 to 1000000, got 0");
  EXPECT_EQ(error_of([&] { changed(base, {.lr = -1}); }), "2: --lr must be positive, got -1");
  EXPECT_EQ(error_of([&] { changed(base, {.momentum = 2}); }), "2: --momentum must lie between 0 and 1, got 2");
  EXPECT_NE(error_of([&] { changed(base, {.epochs = 1, .iterations = 1}); }), "no error");
  EXPECT_NE(error_of([&] { changed(base, {.schedule = "sine"}); }), "no error");
}

RunConfig sample_config() {
  RunConfig config;
  config.model = "resnet20";
  config.model_spec = to_json_text(find_model("resnet20"));
  config.data = "a folder/with \"quotes\" and 'more'";
  config.train = {.count = 45000, .hash = "0123456789abcdef"};
  config.test = {.count = 5000, .hash = "fedcba9876543210"};
  config.checkpoint_every = 25;
  config.diagnose_every = 100;
  config.seed = 42;
  config.instruction_set = "avx512";
  config.plan = "0123456789abcdef";
  config.recipe = changed(find_recipe("paper-cifar"), {.lr = 0.123456789012345678});
  return config;
}

TEST(Config, IsReadBackAsItWasWritten) {
  for (const Recipe& recipe : recipes()) {
    RunConfig config = sample_config();
    config.recipe = recipe;
    EXPECT_TRUE(config_from_toml(to_toml(config), "config.toml") == config) << to_toml(config);
  }
}

Augmentation everything() {
  return {.pad = 0,
          .flip = false,
          .resized_crop = 0.2,
          .randaugment_count = 3,
          .randaugment_level = 7,
          .trivial = false,
          .jitter = {0.1, 0.2, 0.3, 0.4},
          .lighting = 0.1,
          .erasing = 0.25,
          .mixup = 0.2,
          .cutmix = 1};
}

TEST(Config, KeepsEveryAugmentation) {
  RunConfig config = sample_config();
  config.recipe.augmentation = everything();
  EXPECT_TRUE(config_from_toml(to_toml(config), "config.toml") == config) << to_toml(config);
  config.recipe.augmentation.randaugment_count = 0;
  config.recipe.augmentation.trivial = true;
  EXPECT_TRUE(config_from_toml(to_toml(config), "config.toml") == config) << to_toml(config);
}

TEST(Config, ARunFromBeforeAugmentationsHasNone) {
  const RunConfig config = sample_config();
  std::string text = to_toml(config);
  text.erase(text.find("random_resized_crop"));  // it and all keys after it are newer than the rest
  EXPECT_TRUE(config_from_toml(text, "config.toml") == config);
}

TEST(Config, ARunFromBeforeFineTuningHasNone) {
  const RunConfig config = sample_config();
  std::string text = to_toml(config);
  for (const char* key : {"freeze = ", "stage_lr = "}) {
    const std::size_t line = text.find(key);
    ASSERT_NE(line, std::string::npos);
    text.erase(line, text.find('\n', line) + 1 - line);
  }
  EXPECT_TRUE(config_from_toml(text, "config.toml") == config);
}

TEST(Config, TheFirstDifferenceOfRecipesIsFound) {
  const Recipe& a = recipes().front();
  EXPECT_FALSE(first_difference(a, a));
  const auto found = first_difference(a, changed(a, {.lr = 0.5}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first, "lr = 0.2");
  EXPECT_EQ(found->second, "lr = 0.5");
  Recipe mixing = a;
  mixing.augmentation.mixup = 0.2;
  EXPECT_EQ(first_difference(a, mixing)->second, "mixup = 0.2");
}

TEST(Config, WrongInputIsNamed) {
  const std::string good = to_toml(sample_config());
  const auto with = [&](const std::string& old, const std::string& now) {
    std::string text = good;
    text.replace(text.find(old), old.size(), now);
    return error_of([&] { config_from_toml(text, "config.toml"); });
  };
  EXPECT_EQ(with("batch = 128\n", "batch = 128\ncolour = 1\n"),
            "3: config.toml: [recipe] has the unknown key 'colour'");
  EXPECT_EQ(with("[data]", "[dta]"), "3: config.toml: unknown key 'dta'");
  EXPECT_EQ(with("batch = 128\n", ""), "3: config.toml: [recipe] has no 'batch'");
  EXPECT_EQ(with("batch = 128", "batch = \"x\""), "3: config.toml: [recipe] batch: expected an integer");
  EXPECT_EQ(with("batch = 128", "batch = -1"), "3: config.toml: --batch must be 1 to 1000000, got -1");
  EXPECT_EQ(with("seed = 42", "seed = -1"), "3: config.toml: [training] seed: expected 0 or more, got -1");
  EXPECT_EQ(with("momentum = 0.9", "momentum = nan"), "3: config.toml: --momentum must lie between 0 and 1, got nan");
  EXPECT_EQ(with("format = 1", "format = 2"),
            "3: config.toml: [run] format: expected 1, got 2; use the version that wrote it");
  EXPECT_NE(with("seed = 42", "seed = = 42").find("3: config.toml: line"), std::string::npos);
  EXPECT_NE(with("\"fp32\"", "\"fp31\"").find("precision"), std::string::npos);
  EXPECT_EQ(with("randaugment = [0, 9]", "randaugment = [0]"),
            "3: config.toml: [recipe] randaugment: expected 2 numbers, got 1");
  EXPECT_EQ(with("mixup = 0.0", "mixup = -1"), "3: config.toml: --mixup must lie between 0 and 100, got -1");
}

}  // namespace
}  // namespace resnet
