// Operators on the values alone: posterize, solarize, invert, and the two that look at histograms first. The tables are
// those of Pillow's ImageOps.
#include "data/augment/operators.hpp"
#include "data/augment/table.hpp"

#include <algorithm>
#include <cassert>

namespace resnet {
namespace {

using Histogram = std::array<int64_t, 256>;

Histogram histogram_of(const Image& image, int channel) {
  Histogram histogram{};
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t at = static_cast<std::size_t>(channel); at < image.pixels.size(); at += channels)
    ++histogram[image.pixels[at]];
  return histogram;
}

/// Replaces each channel by the table that `table_for` gives for its histogram.
template <class TableFor>
void apply_by_channel(Image& image, TableFor&& table_for) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (int channel = 0; channel < image.channels; ++channel) {
    const ValueTable table = table_for(histogram_of(image, channel));
    for (std::size_t at = static_cast<std::size_t>(channel); at < image.pixels.size(); at += channels)
      image.pixels[at] = table[image.pixels[at]];
  }
}

ValueTable identity_table() {
  return table_of([](int value) { return static_cast<uint8_t>(value); });
}

ValueTable stretched(const Histogram& histogram) {
  int low = 0, high = 255;
  while (low < 255 && histogram[static_cast<std::size_t>(low)] == 0) ++low;
  while (high > 0 && histogram[static_cast<std::size_t>(high)] == 0) --high;
  if (high <= low) return identity_table();
  const double scale = 255.0 / (high - low), offset = -low * scale;
  return table_of(
      [=](int value) { return static_cast<uint8_t>(std::clamp(static_cast<int>(value * scale + offset), 0, 255)); });
}

ValueTable equalized(const Histogram& histogram) {
  int64_t total = 0, last = 0, filled = 0;
  for (const int64_t count : histogram)
    if (count > 0) {
      total += count;
      last = count;
      ++filled;
    }
  const int64_t step = (total - last) / 255;
  if (filled <= 1 || step == 0) return identity_table();
  int64_t sum = step / 2;
  return table_of([&](int value) {
    const int64_t level = sum / step;
    sum += histogram[static_cast<std::size_t>(value)];
    return static_cast<uint8_t>(std::min<int64_t>(level, 255));
  });
}

}  // namespace

Image posterize(Image image, int bits) {
  assert(bits >= 0 && bits <= 8);
  const int mask = ~((1 << (8 - bits)) - 1);
  apply_table(image, table_of([=](int value) { return static_cast<uint8_t>(value & mask); }));
  return image;
}

Image solarize(Image image, double threshold) {
  apply_table(image,
              table_of([=](int value) { return static_cast<uint8_t>(value < threshold ? value : 255 - value); }));
  return image;
}

Image invert(Image image) {
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(255 - value);
  return image;
}

Image autocontrast(Image image) {
  apply_by_channel(image, stretched);
  return image;
}

Image equalize(Image image) {
  apply_by_channel(image, equalized);
  return image;
}

}  // namespace resnet
