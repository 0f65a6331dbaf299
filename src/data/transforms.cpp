#include "data/transforms.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace resnet {
namespace {

// Where the crop starts in the padded image, as an offset against the unpadded one: -pad .. pad.
struct Offset {
  int64_t row = 0, column = 0;
};

Offset draw_offset(int pad, Rng& rng) {
  if (pad == 0) return {};
  const int64_t row = rng.below(2 * pad + 1);
  const int64_t column = rng.below(2 * pad + 1);
  return {row - pad, column - pad};
}

// Calls row_of(out_position, source_row, first, last) for every row of every channel of the crop: output columns
// first .. last - 1 show source columns first + offset.column and on, the others are padding. source_row is -1 for a
// row that is all padding.
template <class RowOf>
void for_each_row(const Shape& image, Offset offset, RowOf&& row_of) {
  const int64_t height = image[1], width = image[2];
  const int64_t first = std::clamp<int64_t>(-offset.column, 0, width);
  const int64_t last = std::clamp<int64_t>(width - offset.column, first, width);
  for (int64_t c = 0; c < image[0]; ++c)
    for (int64_t h = 0; h < height; ++h) {
      const int64_t source = h + offset.row;
      const bool inside = source >= 0 && source < height;
      row_of(c, (c * height + h) * width, inside ? (c * height + source) * width : -1, first, last);
    }
}

}  // namespace

void pad_and_crop(std::span<const uint8_t> pixels, const Shape& image, int pad, Rng& rng, std::span<uint8_t> out) {
  assert(pixels.size() == out.size() && out.size() == static_cast<std::size_t>(image.elements()));
  const Offset offset = draw_offset(pad, rng);
  std::fill(out.begin(), out.end(), uint8_t{0});
  for_each_row(image, offset, [&](int64_t, int64_t target, int64_t source, int64_t first, int64_t last) {
    if (source < 0) return;
    std::copy(pixels.begin() + source + first + offset.column, pixels.begin() + source + last + offset.column,
              out.begin() + target + first);
  });
}

void random_flip(std::span<uint8_t> pixels, const Shape& image, Rng& rng) {
  if (!rng.chance(0.5)) return;
  const int64_t width = image[2];
  for (auto row = pixels.begin(); row != pixels.end(); row += width) std::reverse(row, row + width);
}

NormalisationTable normalisation_table(const Preprocessing& preprocessing) {
  NormalisationTable table(static_cast<std::size_t>(preprocessing.channels));
  for (std::size_t c = 0; c < table.size(); ++c)
    for (std::size_t x = 0; x < 256; ++x)
      table[c][x] = static_cast<float>((static_cast<double>(x) / 255 - double{preprocessing.mean[c]}) /
                                       double{preprocessing.deviation[c]});
  return table;
}

void normalise(std::span<const uint8_t> pixels, const Shape& image, const NormalisationTable& table,
               std::span<float> out) {
  const auto area = static_cast<std::size_t>(image[1] * image[2]);
  for (std::size_t c = 0; c < table.size(); ++c)
    for (std::size_t i = c * area; i < (c + 1) * area; ++i) out[i] = table[c][pixels[i]];
}

void normalise(const Image& image, const NormalisationTable& table, std::span<float> out) {
  const std::size_t channels = table.size(), area = out.size() / channels;
  assert(image.pixels.size() == out.size() && static_cast<std::size_t>(image.channels) == channels);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < area; ++i) out[c * area + i] = table[c][image.pixels[i * channels + c]];
}

Image image_of(std::span<const uint8_t> pixels, const Shape& image) {
  const auto channels = static_cast<std::size_t>(image[0]), area = static_cast<std::size_t>(image[1] * image[2]);
  Image out{.channels = static_cast<int>(image[0]),
            .height = static_cast<int>(image[1]),
            .width = static_cast<int>(image[2]),
            .pixels = std::vector<uint8_t>(pixels.size())};
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < area; ++i) out.pixels[i * channels + c] = pixels[c * area + i];
  return out;
}

void finish(const Image& image, const Augmentation& augmentation, Rng& rng, const NormalisationTable& table,
            std::span<float> out) {
  normalise(image, table, out);
  const int64_t height = image.height, width = image.width, area = height * width;
  if (augmentation.lighting > 0 && image.channels == 3) {
    const std::array<float, 3> shift = draw_lighting(augmentation.lighting, rng);
    for (std::size_t c = 0; c < 3; ++c) {
      const float step = shift[c] * (table[c][255] - table[c][0]);  // the table maps 0 .. 255 to 0 .. 1 / deviation
      for (float& value : out.subspan(c * static_cast<std::size_t>(area), static_cast<std::size_t>(area)))
        value += step;
    }
  }
  if (augmentation.erasing == 0) return;
  const auto erased = draw_erasing(image.height, image.width, augmentation.erasing, rng);
  if (!erased) return;
  for (int64_t c = 0; c < image.channels; ++c)
    for (int64_t row = erased->top; row < erased->top + erased->height; ++row)
      std::fill_n(out.begin() + (c * height + row) * width + erased->left, erased->width, 0.0f);
}

void augment_and_normalise(std::span<const uint8_t> pixels, const Shape& image, const Augmentation& augmentation,
                           Rng& rng, const NormalisationTable& table, std::span<float> out) {
  assert(pixels.size() == out.size() && out.size() == static_cast<std::size_t>(image.elements()));
  if (!augmentation.moves_only()) {
    Image changed = random_crop(image_of(pixels, image), augmentation, rng);
    finish(random_change(std::move(changed), augmentation, rng), augmentation, rng, table, out);
    return;
  }
  const Offset offset = draw_offset(augmentation.pad, rng);
  const bool flip = augmentation.flip && rng.chance(0.5);
  const int64_t width = image[2];
  for_each_row(image, offset, [&](int64_t c, int64_t target, int64_t source, int64_t first, int64_t last) {
    const std::array<float, 256>& values = table[static_cast<std::size_t>(c)];
    float* row = out.data() + target;
    if (source < 0) {
      std::fill_n(row, width, values[0]);
      return;
    }
    const uint8_t* from = pixels.data() + source + offset.column;
    if (flip) {
      for (int64_t w = first; w < last; ++w) row[width - 1 - w] = values[from[w]];
      std::fill_n(row + width - first, first, values[0]);
      std::fill_n(row, width - last, values[0]);
    } else {
      for (int64_t w = first; w < last; ++w) row[w] = values[from[w]];
      std::fill_n(row, first, values[0]);
      std::fill_n(row + last, width - last, values[0]);
    }
  });
}

}  // namespace resnet
