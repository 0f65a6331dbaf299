#include "data/augment/policy.hpp"

#include <array>
#include <cassert>
#include <cmath>
#include <utility>

namespace resnet {
namespace {

using Op = PolicyOperator;

constexpr std::array<PolicyRow, 14> rand_rows = {{
    {Op::identity, "identity"},
    {Op::shear_x, "shear x", 0, 0.3, true},
    {Op::shear_y, "shear y", 0, 0.3, true},
    {Op::translate_x, "translate x", 0, 150.0 / 331, true, true},
    {Op::translate_y, "translate y", 0, 150.0 / 331, true, true},
    {Op::rotate, "rotate", 0, 30, true},
    {Op::brightness, "brightness", 0, 0.9, true},
    {Op::colour, "colour", 0, 0.9, true},
    {Op::contrast, "contrast", 0, 0.9, true},
    {Op::sharpness, "sharpness", 0, 0.9, true},
    {Op::posterize, "posterize", 8, 4},
    {Op::solarize, "solarize", 255, 0},
    {Op::autocontrast, "autocontrast"},
    {Op::equalize, "equalize"},
}};

constexpr std::array<PolicyRow, 14> trivial_rows = {{
    {Op::identity, "identity"},
    {Op::shear_x, "shear x", 0, 0.99, true},
    {Op::shear_y, "shear y", 0, 0.99, true},
    {Op::translate_x, "translate x", 0, 32, true},
    {Op::translate_y, "translate y", 0, 32, true},
    {Op::rotate, "rotate", 0, 135, true},
    {Op::brightness, "brightness", 0, 0.99, true},
    {Op::colour, "colour", 0, 0.99, true},
    {Op::contrast, "contrast", 0, 0.99, true},
    {Op::sharpness, "sharpness", 0, 0.99, true},
    {Op::posterize, "posterize", 8, 2},
    {Op::solarize, "solarize", 255, 0},
    {Op::autocontrast, "autocontrast"},
    {Op::equalize, "equalize"},
}};

Image apply_row(const PolicyRow& row, Image image, int level, Interpolation interpolation, Rng& rng) {
  double magnitude = magnitude_of(row, level, row.op == Op::translate_x ? image.width : image.height);
  if (row.has_sign && rng.chance(0.5)) magnitude = -magnitude;
  return apply(row.op, std::move(image), magnitude, interpolation);
}

const PolicyRow& draw_row(std::span<const PolicyRow> rows, Rng& rng) {
  return rows[static_cast<std::size_t>(rng.below(static_cast<int64_t>(rows.size())))];
}

}  // namespace

std::span<const PolicyRow> rand_augment_rows() { return rand_rows; }
std::span<const PolicyRow> trivial_augment_rows() { return trivial_rows; }

double magnitude_of(const PolicyRow& row, int level, int extent) {
  assert(level >= 0 && level < policy_levels);
  constexpr int last = policy_levels - 1;
  // Posterize counts whole bits, and halves of them go to the even number.
  if (row.op == Op::posterize) return row.weakest - std::nearbyint(level * (row.weakest - row.strongest) / last);
  const double strongest = row.relative ? row.strongest * extent : row.strongest;
  return row.weakest + (strongest - row.weakest) * level / last;
}

Image apply(PolicyOperator op, Image image, double magnitude, Interpolation interpolation) {
  switch (op) {
    case Op::identity: break;
    case Op::shear_x: return shear_x(image, magnitude, interpolation);
    case Op::shear_y: return shear_y(image, magnitude, interpolation);
    case Op::translate_x: return translate(image, static_cast<int>(magnitude), 0, interpolation);
    case Op::translate_y: return translate(image, 0, static_cast<int>(magnitude), interpolation);
    case Op::rotate: return rotate(image, magnitude, interpolation);
    case Op::brightness: return adjust_brightness(std::move(image), 1 + magnitude);
    case Op::colour: return adjust_saturation(std::move(image), 1 + magnitude);
    case Op::contrast: return adjust_contrast(std::move(image), 1 + magnitude);
    case Op::sharpness: return adjust_sharpness(std::move(image), 1 + magnitude);
    case Op::posterize: return posterize(std::move(image), static_cast<int>(magnitude));
    case Op::solarize: return solarize(std::move(image), magnitude);
    case Op::autocontrast: return autocontrast(std::move(image));
    case Op::equalize: return equalize(std::move(image));
  }
  return image;
}

Image rand_augment(Image image, int count, int level, Interpolation interpolation, Rng& rng) {
  for (int k = 0; k < count; ++k)
    image = apply_row(draw_row(rand_rows, rng), std::move(image), level, interpolation, rng);
  return image;
}

Image trivial_augment(Image image, Interpolation interpolation, Rng& rng) {
  const PolicyRow& row = draw_row(trivial_rows, rng);
  const int level = static_cast<int>(rng.below(policy_levels));
  return apply_row(row, std::move(image), level, interpolation, rng);
}

}  // namespace resnet
