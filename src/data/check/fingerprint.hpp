// What is kept of a picture's pixels, in some 300 bytes, to find its copies: a hash that equal pixels share, and a
// small grey picture by which nearly equal ones are told from others.
#pragma once

#include "data/image.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace resnet {

/// The grey picture is small_side x small_side.
inline constexpr int small_side = 16;

struct Fingerprint {
  /// Of height, width and RGB pixels (128 bits: that two different pictures share it does not happen).
  std::array<uint64_t, 2> content{};
  /// Signs of the lowest frequencies of the grey picture (a perceptual hash).
  uint64_t signs = 0;
  std::array<uint8_t, small_side * small_side> grey{};
  /// Means of red, green and blue.
  std::array<uint8_t, 3> colour{};
  /// The shorter side of the picture.
  int side = 0;
  /// All pixels are equal.
  bool blank = false;
  /// The grey picture varies enough to be compared.
  bool textured = false;
};

/// `image` is RGB or grey (which counts as RGB with equal channels).
Fingerprint fingerprint_of(const Image& image);

/// Whether two pictures show the same: after shrinking to 16 x 16, the correlation of their grey values is at least
/// 0.985 (0.995 where one is smaller than 48 pixels, for digits of one class look alike), that of their differences
/// between neighbours at least 0.9, and the mean colours differ by at most 24 levels once their brightness is made
/// equal. That holds for copies saved with another quality or size, slightly brighter or in grey; not for other crops
/// or mirror images.
bool nearly_equal(const Fingerprint& a, const Fingerprint& b);

/// Sets of at least two fingerprints joined by chains of nearly equal ones; each set ascends, as do the sets by their
/// first member. Those that are not textured take part in none. Two are compared if all eight signs of one of eight
/// groups agree. Where more than 4096 agree in a group, each is compared with its 64 neighbours in the order of all
/// signs only, so that the time does not grow with the square of the count.
std::vector<std::vector<int64_t>> near_sets(std::span<const Fingerprint* const> fingerprints);

}  // namespace resnet
