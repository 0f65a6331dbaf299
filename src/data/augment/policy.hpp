// RandAugment (Cubuk et al. 2019) and TrivialAugment Wide (Müller and Hutter 2021) with the operators, ranges and 31
// levels of torchvision's classes of these names.
#pragma once

#include "base/random.hpp"
#include "data/augment/operators.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace resnet {

enum class PolicyOperator : uint8_t {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  colour,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize
};
inline constexpr int policy_levels = 31;  // 0 .. 30

struct PolicyRow {
  PolicyOperator op;
  std::string_view name;
  /// The operator's argument at level 0 and at level 30, linear between.
  double weakest = 0, strongest = 0;
  /// The sign is drawn as well.
  bool has_sign = false;
  /// The argument is a part of the picture's width or height.
  bool relative = false;
};
std::span<const PolicyRow> rand_augment_rows();
std::span<const PolicyRow> trivial_augment_rows();

/// The argument of a row at `level`; `extent` is the width or height that a relative one refers to.
double magnitude_of(const PolicyRow& row, int level, int extent);

/// One operator: brightness, colour, contrast and sharpness blend with factor 1 + magnitude, translations are cut to
/// whole pixels, the others take the magnitude as their argument.
Image apply(PolicyOperator op, Image image, double magnitude, Interpolation interpolation);

/// `count` operators, one after the other, each drawn uniformly, all at `level` (0 .. 30).
Image rand_augment(Image image, int count, int level, Interpolation interpolation, Rng& rng);

/// One operator drawn uniformly, at a level drawn uniformly.
Image trivial_augment(Image image, Interpolation interpolation, Rng& rng);

}  // namespace resnet
