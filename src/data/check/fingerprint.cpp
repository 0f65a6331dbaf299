#include "data/check/fingerprint.hpp"

#include "data/resize.hpp"
#include "data/split.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace resnet {
namespace {

constexpr std::size_t side = small_side, area = side * side;
constexpr double smallest_deviation = 6;  // levels of grey; below that noise decides

Image as_rgb(const Image& image) {
  Image rgb{.channels = 3, .height = image.height, .width = image.width, .pixels = {}};
  rgb.pixels.reserve(3 * image.pixels.size());
  for (const uint8_t value : image.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, value);
  return rgb;
}

/// Mean and deviation.
std::pair<double, double> moments(std::span<const uint8_t> values) {
  int64_t sum = 0, squares = 0;
  for (const uint8_t value : values) {
    sum += value;
    squares += value * value;
  }
  const auto count = static_cast<double>(values.size());
  const double mean = static_cast<double>(sum) / count;
  return {mean, std::sqrt(std::max(0.0, static_cast<double>(squares) / count - mean * mean))};
}

/// The signs of the cosine transform's coefficients of frequency 0 to 7 in both directions, the mean replaced by (8,
/// 0).
uint64_t signs_of(std::span<const uint8_t> grey) {
  static const auto cosines = [] {
    std::array<std::array<float, side>, 9> table{};
    for (std::size_t k = 0; k < 9; ++k)
      for (std::size_t x = 0; x < side; ++x)
        table[k][x] = static_cast<float>(std::cos(std::numbers::pi * (static_cast<double>(x) + 0.5) *
                                                  static_cast<double>(k) / static_cast<double>(side)));
    return table;
  }();
  std::array<std::array<float, 8>, side> rows{};  // [y][frequency along x]
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t k = 0; k < 8; ++k)
      for (std::size_t x = 0; x < side; ++x) rows[y][k] += cosines[k][x] * static_cast<float>(grey[y * side + x]);
  uint64_t signs = 0;
  for (std::size_t down = 0; down < 8; ++down)
    for (std::size_t along = 0; along < 8; ++along) {
      float sum = 0;
      for (std::size_t y = 0; y < side; ++y) sum += cosines[down == 0 && along == 0 ? 8 : down][y] * rows[y][along];
      // Bit 8 (x % 8) + ...: each group of eight bits takes one coefficient of every row and column.
      const std::size_t bit = 8 * ((along + down) % 8) + down;
      if (sum > 0) signs |= uint64_t{1} << bit;
    }
  return signs;
}

double correlation(std::span<const float> a, std::span<const float> b) {
  double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double x = double{a[k]}, y = double{b[k]};
    sum_a += x;
    sum_b += y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const auto n = static_cast<double>(a.size());
  const double spread = (aa - sum_a * sum_a / n) * (bb - sum_b * sum_b / n);
  return spread > 0 ? (ab - sum_a * sum_b / n) / std::sqrt(spread) : 0;
}

std::array<float, area> values_of(const Fingerprint& fingerprint) {
  std::array<float, area> values{};
  std::ranges::copy(fingerprint.grey, values.begin());
  return values;
}

/// Differences to the right and down.
std::array<float, 2 * area> differences_of(const std::array<float, area>& values) {
  std::array<float, 2 * area> differences{};
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const std::size_t at = y * side + x;
      if (x + 1 < side) differences[at] = values[at + 1] - values[at];
      if (y + 1 < side) differences[area + at] = values[at + side] - values[at];
    }
  return differences;
}

/// Grey copies of colour pictures pass, other colours of the same form do not.
bool alike_in_colour(const Fingerprint& a, const Fingerprint& b) {
  const auto grey = [](const Fingerprint& f) {
    const auto [low, high] = std::ranges::minmax(f.colour);
    return high - low <= 3;
  };
  if (grey(a) || grey(b)) return true;
  const auto brightness = [](const Fingerprint& f) { return (f.colour[0] + f.colour[1] + f.colour[2]) / 3.0 + 1; };
  const double scale = brightness(a) / brightness(b);
  for (std::size_t c = 0; c < 3; ++c)
    if (std::fabs(a.colour[c] - scale * b.colour[c]) > 24) return false;
  return true;
}

}  // namespace

Fingerprint fingerprint_of(const Image& image) {
  const Image rgb = image.channels == 3 ? Image{} : as_rgb(image);
  const Image& picture = image.channels == 3 ? image : rgb;
  Fingerprint result;
  const int64_t size = (int64_t{picture.height} << 32) | picture.width;
  result.content = {content_hash(picture.pixels, static_cast<int>(size % 1'000'003)),
                    content_hash(picture.pixels, -1 - static_cast<int>(size % 999'983))};
  result.side = std::min(picture.height, picture.width);
  result.blank = true;
  for (std::size_t at = 3; at < picture.pixels.size() && result.blank; ++at)
    result.blank = picture.pixels[at] == picture.pixels[at - 3];
  const Image small = resize(picture, small_side, small_side, Filter::bilinear);
  std::array<int, 3> sums{};
  for (std::size_t at = 0; at < area; ++at) {
    const uint8_t* pixel = &small.pixels[3 * at];
    result.grey[at] = static_cast<uint8_t>((pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16);
    for (std::size_t c = 0; c < 3; ++c) sums[c] += pixel[c];
  }
  for (std::size_t c = 0; c < 3; ++c) result.colour[c] = static_cast<uint8_t>(sums[c] / static_cast<int>(area));
  result.textured = moments(result.grey).second >= smallest_deviation;
  result.signs = signs_of(result.grey);
  return result;
}

bool nearly_equal(const Fingerprint& a, const Fingerprint& b) {
  if (!a.textured || !b.textured) return false;
  const double needed = std::min(a.side, b.side) < 48 ? 0.995 : 0.985;
  const std::array<float, area> x = values_of(a), y = values_of(b);
  return correlation(x, y) >= needed && correlation(differences_of(x), differences_of(y)) >= 0.9 &&
         alike_in_colour(a, b);
}

}  // namespace resnet
