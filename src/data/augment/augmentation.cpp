#include "data/augment/augmentation.hpp"

#include "data/augment/policy.hpp"
#include "data/resize.hpp"

#include <fmt/format.h>

#include <utility>

namespace resnet {

std::string describe(const Augmentation& augmentation) {
  std::string text;
  const auto add = [&](bool there, const std::string& part) {
    if (there) text += (text.empty() ? "" : ", ") + part;
  };
  const ColourJitter& jitter = augmentation.jitter;
  add(augmentation.resized_crop > 0,
      fmt::format("random resized crop from {:g} % of the area", 100 * augmentation.resized_crop));
  add(augmentation.resized_crop == 0 && augmentation.pad > 0,
      fmt::format("crop after padding by {}", augmentation.pad));
  add(augmentation.flip, "flip");
  add(augmentation.randaugment_count > 0,
      fmt::format("RandAugment {} x {}", augmentation.randaugment_count, augmentation.randaugment_level));
  add(augmentation.trivial, "TrivialAugment");
  add(jitter.any(), fmt::format("colour jitter {:g} {:g} {:g} {:g}", jitter.brightness, jitter.contrast,
                                jitter.saturation, jitter.hue));
  add(augmentation.lighting > 0, fmt::format("lighting {:g}", augmentation.lighting));
  add(augmentation.erasing > 0, fmt::format("random erasing {:g}", augmentation.erasing));
  add(augmentation.mixup > 0, fmt::format("mixup {:g}", augmentation.mixup));
  add(augmentation.cutmix > 0, fmt::format("CutMix {:g}", augmentation.cutmix));
  return text.empty() ? "none" : text;
}

Image random_crop(Image image, const Augmentation& augmentation, Rng& rng) {
  const int height = image.height, width = image.width;
  if (augmentation.resized_crop > 0) {
    const Rectangle part = draw_resized_crop(height, width, {augmentation.resized_crop, 1}, usual_crop_ratio, rng);
    return resize(crop(image, part), height, width, Filter::bilinear);
  }
  if (augmentation.pad > 0) return crop(image, draw_padded_crop(height, width, augmentation.pad, rng));
  return image;
}

Image random_change(Image image, const Augmentation& augmentation, Rng& rng) {
  // torchvision's reference recipes interpolate bilinearly.
  constexpr Interpolation interpolation = Interpolation::bilinear;
  if (augmentation.flip && rng.chance(0.5)) image = flip_left_right(std::move(image));
  if (augmentation.randaugment_count > 0)
    image = rand_augment(std::move(image), augmentation.randaugment_count, augmentation.randaugment_level,
                         interpolation, rng);
  if (augmentation.trivial) image = trivial_augment(std::move(image), interpolation, rng);
  if (augmentation.jitter.any()) image = jitter_colours(std::move(image), augmentation.jitter, rng);
  return image;
}

}  // namespace resnet
