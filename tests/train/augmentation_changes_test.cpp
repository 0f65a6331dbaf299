// Presets, single changes and their order, ranges, and what a data set allows.
#include "train/augmentation_changes.hpp"

#include "support.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

TEST(AugmentationChanges, PresetsAreValidAndNamed) {
  EXPECT_EQ(augmentation_presets().size(), 6u);
  for (const AugmentationPreset& preset : augmentation_presets()) {
    EXPECT_NO_THROW(check(preset.augmentation)) << preset.name;
    EXPECT_EQ(changed({}, {.preset = preset.name}), preset.augmentation);
  }
  EXPECT_EQ(changed({}, {.preset = "crop-flip"}), Augmentation{}) << "what the recipes do";
  EXPECT_EQ(error_of([] { changed({}, {.preset = "trival"}); }),
            "2: --augment: unknown name 'trival'; did you mean trivial?");
}

TEST(AugmentationChanges, SingleChangesFollowThePreset) {
  const Augmentation changed_preset = changed({}, {.preset = "standard", .flip = false, .mixup = 0.2});
  EXPECT_FALSE(changed_preset.flip);
  EXPECT_DOUBLE_EQ(changed_preset.mixup, 0.2);
  EXPECT_DOUBLE_EQ(changed_preset.resized_crop, 0.08);
}

TEST(AugmentationChanges, OneCropTakesTheOthersPlace) {
  EXPECT_EQ(changed({}, {.resized_crop = 0.3}).pad, 0);
  EXPECT_EQ(changed({.pad = 0, .resized_crop = 0.3}, {.pad = 4}).resized_crop, 0);
  EXPECT_FALSE(changed({.trivial = true}, {.randaugment_count = 2}).trivial);
  EXPECT_EQ(changed({.randaugment_count = 2}, {.trivial = true}).randaugment_count, 0);
  const Augmentation both = changed({}, {.pad = 4, .resized_crop = 0.3});
  EXPECT_EQ(error_of([&] { check(both); }), "2: --pad and --random-resized-crop exclude each other; choose one");
}

TEST(AugmentationChanges, RangesAreChecked) {
  EXPECT_EQ(error_of([] { check(Augmentation{.jitter = {.hue = 0.6}}); }),
            "2: --colour-jitter of hue must lie between 0 and 0.5, got 0.6");
  EXPECT_EQ(error_of([] { check(Augmentation{.erasing = 1.5}); }),
            "2: --random-erasing must lie between 0 and 1, got 1.5");
  EXPECT_EQ(error_of([] { check(Augmentation{.randaugment_level = 31}); }),
            "2: the level of --randaugment must lie between 0 and 30, got 31");
}

TEST(AugmentationChanges, DataLimitWhatMovesImages) {
  const Augmentation limited = allowed({.pad = 4, .flip = true, .mixup = 0.2}, {.pad = 0, .flip = false});
  EXPECT_EQ(limited, (Augmentation{.pad = 0, .flip = false, .mixup = 0.2}));
}

TEST(AugmentationChanges, AreDescribedInTheOrderTheyAreDone) {
  EXPECT_EQ(describe(Augmentation{}), "crop after padding by 4, flip");
  EXPECT_EQ(describe(Augmentation{.pad = 0, .flip = false}), "none");
  EXPECT_EQ(describe(Augmentation{.pad = 0, .resized_crop = 0.08, .randaugment_count = 2, .cutmix = 1}),
            "random resized crop from 8 % of the area, flip, RandAugment 2 x 9, CutMix 1");
}

}  // namespace
}  // namespace resnet
