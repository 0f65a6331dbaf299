// Between the samples that formats store and the grey or RGB pixels that networks take, by Pillow's formulas.
#include "data/channels.hpp"
#include "data/decoders/decoders.hpp"

#include <algorithm>

namespace resnet::decoders {
namespace {

// a * b / 255, rounded, as Pillow's MULDIV255.
int multiply(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

void rgb_from_inverted_cmyk(const uint8_t* cmyk, uint8_t* rgb) {
  const int light = cmyk[3];
  for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(std::clamp(light - multiply(255 - cmyk[c], light), 0, 255));
}

}  // namespace

void convert_row(const uint8_t* row, Samples samples, int width, int channels, uint8_t* out) {
  const int step = count_of(samples);
  if (step == channels) {
    std::copy_n(row, width * channels, out);
    return;
  }
  for (int x = 0; x < width; ++x, row += step, out += channels) {
    if (samples == Samples::grey) {
      std::fill_n(out, channels, *row);
      continue;
    }
    uint8_t rgb[3];
    if (samples == Samples::rgb)
      std::copy_n(row, 3, rgb);
    else
      rgb_from_inverted_cmyk(row, rgb);
    if (channels == 1)
      *out = luma(rgb);
    else
      std::copy_n(rgb, 3, out);
  }
}

}  // namespace resnet::decoders
