#include "train/augmentation_changes.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace resnet {
namespace {

constexpr double usual_area = usual_crop_area.low;

const std::array<AugmentationPreset, 6>& presets() {
  static const std::array<AugmentationPreset, 6> table = {{
      {"none", "images as they are", {.pad = 0, .flip = false}},
      {"flip", "mirrored half of the time", {.pad = 0}},
      {"crop-flip", "a crop after padding by 4, and flip: for small images", {}},
      {"standard", "random resized crop and flip: for photos", {.pad = 0, .resized_crop = usual_area}},
      {"randaugment",
       "standard, then two operators of level 9",
       {.pad = 0, .resized_crop = usual_area, .randaugment_count = 2}},
      {"trivial",
       "standard, then one operator of any strength",
       {.pad = 0, .resized_crop = usual_area, .trivial = true}},
  }};
  return table;
}

Augmentation preset_named(const std::string& name) {
  std::vector<std::string> names;
  for (const AugmentationPreset& preset : presets()) {
    if (preset.name == name) return preset.augmentation;
    names.emplace_back(preset.name);
  }
  const std::string hint = did_you_mean(name, names);
  if (!hint.empty()) fail_usage("--augment: unknown name '", name, "'", hint);
  fail_usage("--augment: unknown name '", name, "'; there are ", fmt::format("{}", fmt::join(names, ", ")));
}

void expect_between(std::string_view what, double value, double low, double high) {
  if (!(value >= low && value <= high)) fail_usage(what, " must lie between ", low, " and ", high, ", got ", value);
}

}  // namespace

std::span<const AugmentationPreset> augmentation_presets() { return presets(); }

Augmentation changed(Augmentation augmentation, const AugmentationChanges& changes) {
  if (changes.preset) augmentation = preset_named(*changes.preset);
  if (changes.resized_crop && *changes.resized_crop > 0) augmentation.pad = 0;
  if (changes.pad && *changes.pad > 0) augmentation.resized_crop = 0;
  if (changes.trivial && *changes.trivial) augmentation.randaugment_count = 0;
  if (changes.randaugment_count && *changes.randaugment_count > 0) augmentation.trivial = false;
  const auto set = [](auto& field, const auto& change) {
    if (change) field = *change;
  };
  set(augmentation.scaled_decoding, changes.scaled_decoding);
  set(augmentation.pad, changes.pad);
  set(augmentation.flip, changes.flip);
  set(augmentation.resized_crop, changes.resized_crop);
  set(augmentation.randaugment_count, changes.randaugment_count);
  set(augmentation.randaugment_level, changes.randaugment_level);
  set(augmentation.trivial, changes.trivial);
  set(augmentation.jitter, changes.jitter);
  set(augmentation.lighting, changes.lighting);
  set(augmentation.erasing, changes.erasing);
  set(augmentation.mixup, changes.mixup);
  set(augmentation.cutmix, changes.cutmix);
  return augmentation;
}

void check(const Augmentation& augmentation) {
  const ColourJitter& jitter = augmentation.jitter;
  expect_between("--pad", augmentation.pad, 0, 1024);
  expect_between("--random-resized-crop", augmentation.resized_crop, 0, 1);
  expect_between("the number of operators of --randaugment", augmentation.randaugment_count, 0, 14);
  expect_between("the level of --randaugment", augmentation.randaugment_level, 0, 30);
  expect_between("--colour-jitter of brightness", jitter.brightness, 0, 10);
  expect_between("--colour-jitter of contrast", jitter.contrast, 0, 10);
  expect_between("--colour-jitter of saturation", jitter.saturation, 0, 10);
  expect_between("--colour-jitter of hue", jitter.hue, 0, 0.5);
  expect_between("--lighting", augmentation.lighting, 0, 10);
  expect_between("--random-erasing", augmentation.erasing, 0, 1);
  expect_between("--mixup", augmentation.mixup, 0, 100);
  expect_between("--cutmix", augmentation.cutmix, 0, 100);
  if (augmentation.pad > 0 && augmentation.resized_crop > 0)
    fail_usage("--pad and --random-resized-crop exclude each other; choose one");
  if (augmentation.trivial && augmentation.randaugment_count > 0)
    fail_usage("--randaugment and --trivial-augment exclude each other; choose one");
}

Augmentation allowed(Augmentation wanted, const Augmentation& limit) {
  wanted.pad = std::min(wanted.pad, limit.pad);
  wanted.flip = wanted.flip && limit.flip;
  return wanted;
}

}  // namespace resnet
