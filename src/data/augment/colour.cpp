// Brightness, contrast, saturation and hue, in the arithmetic of Pillow's Blend.c and Convert.c.
#include "data/augment/operators.hpp"
#include "data/augment/table.hpp"
#include "data/channels.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace resnet {
namespace {

int rounded_mean_luma(const Image& image) {
  uint64_t sum = 0;
  const std::size_t count = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  if (image.channels == 1)
    sum = std::accumulate(image.pixels.begin(), image.pixels.end(), uint64_t{0});
  else
    for (std::size_t at = 0; at < count; ++at) sum += luma(&image.pixels[3 * at]);
  return count == 0 ? 0 : static_cast<int>(static_cast<double>(sum) / static_cast<double>(count) + 0.5);
}

struct Hsv {
  uint8_t hue = 0, saturation = 0, value = 0;
};

Hsv hsv_of(const uint8_t* rgb) {
  const uint8_t r = rgb[0], g = rgb[1], b = rgb[2];
  const uint8_t highest = std::max({r, g, b}), lowest = std::min({r, g, b});
  if (highest == lowest) return {.value = highest};
  const float range = static_cast<float>(highest - lowest);
  const float saturation = range / static_cast<float>(highest);
  const float from_r = static_cast<float>(highest - r) / range;
  const float from_g = static_cast<float>(highest - g) / range;
  const float from_b = static_cast<float>(highest - b) / range;
  float hue;
  if (r == highest)
    hue = from_b - from_g;
  else if (g == highest)
    hue = static_cast<float>(2.0 + double{from_r} - double{from_b});
  else
    hue = static_cast<float>(4.0 + double{from_g} - double{from_r});
  hue = static_cast<float>(std::fmod(double{hue} / 6.0 + 1.0, 1.0));
  return {static_cast<uint8_t>(double{hue} * 255.0), static_cast<uint8_t>(double{saturation} * 255.0), highest};
}

void write_rgb(const Hsv& hsv, uint8_t* rgb) {
  const uint8_t v = hsv.value;
  if (hsv.saturation == 0) {
    std::fill_n(rgb, 3, v);
    return;
  }
  const double sixths = static_cast<double>(hsv.hue) * 6.0 / 255.0;
  const int sector = static_cast<int>(std::floor(sixths));
  const float rest = static_cast<float>(sixths - sector);
  const float saturation = static_cast<float>(hsv.saturation / 255.0);
  const auto scaled = [v](double part) { return static_cast<uint8_t>(std::clamp(std::round(v * part), 0.0, 255.0)); };
  const uint8_t p = scaled(1.0 - double{saturation});
  const uint8_t q = scaled(1.0 - double{saturation * rest});
  const uint8_t t = scaled(1.0 - double{saturation} * (1.0 - double{rest}));
  const std::array<std::array<uint8_t, 3>, 6> sectors = {
      {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}}};
  std::ranges::copy(sectors[static_cast<std::size_t>(sector % 6)], rgb);
}

}  // namespace

Image adjust_brightness(Image image, double factor) {
  const auto single = static_cast<float>(factor);
  apply_table(image, table_of([=](int value) { return blend(0, value, single); }));
  return image;
}

Image adjust_contrast(Image image, double factor) {
  const auto single = static_cast<float>(factor);
  const int mean = rounded_mean_luma(image);
  apply_table(image, table_of([=](int value) { return blend(mean, value, single); }));
  return image;
}

Image adjust_saturation(Image image, double factor) {
  if (image.channels != 3) return image;
  const auto single = static_cast<float>(factor);
  for (auto pixel = image.pixels.begin(); pixel != image.pixels.end(); pixel += 3) {
    const uint8_t grey = luma(&*pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = blend(grey, pixel[c], single);
  }
  return image;
}

Image adjust_hue(Image image, double shift) {
  if (image.channels != 3) return image;
  const auto steps = static_cast<uint8_t>(static_cast<int>(shift * 255));  // towards zero, then modulo 256
  for (auto pixel = image.pixels.begin(); pixel != image.pixels.end(); pixel += 3) {
    Hsv hsv = hsv_of(&*pixel);
    hsv.hue = static_cast<uint8_t>(hsv.hue + steps);
    write_rgb(hsv, &*pixel);
  }
  return image;
}

}  // namespace resnet
