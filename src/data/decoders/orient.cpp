// The eight orientations of EXIF as mirrorings and turns of the stored picture.
#include "data/decoders/decoders.hpp"

#include <cassert>
#include <cstring>
#include <utility>

namespace resnet::decoders {
namespace {

// Where the pixel at (row, column) of the oriented picture lies in the stored one (EXIF 2.32, tag 0x0112): transposed
// first, then mirrored.
struct Turn {
  bool transpose, mirror_rows, mirror_columns;  // mirrors in the stored picture
};
constexpr Turn turns[9] = {{false, false, false}, {false, false, false}, {false, false, true},
                           {false, true, true},   {false, true, false},  {true, false, false},
                           {true, true, false},   {true, true, true},    {true, false, true}};

template <int channels>
void turn_pixels(const Image& image, const Turn& turn, Image& out) {
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{image.width} * channels;
  const uint8_t* origin = image.pixels.data() + (turn.mirror_rows ? (image.height - 1) * row_bytes : 0) +
                          (turn.mirror_columns ? row_bytes - channels : 0);
  const std::ptrdiff_t down = turn.mirror_rows ? -row_bytes : row_bytes;
  const std::ptrdiff_t right = turn.mirror_columns ? -channels : channels;
  uint8_t* to = out.pixels.data();
  for (int y = 0; y < out.height; ++y) {
    const uint8_t* from = origin + y * (turn.transpose ? right : down);
    for (int x = 0; x < out.width; ++x, to += channels, from += turn.transpose ? down : right)
      std::memcpy(to, from, channels);
  }
}

}  // namespace

Image oriented(Image image, int orientation) {
  assert(orientation >= 1 && orientation <= 8);
  if (orientation == 1) return image;
  const Turn turn = turns[orientation];
  Image out{.channels = image.channels, .height = image.height, .width = image.width};
  if (turn.transpose) std::swap(out.height, out.width);
  out.pixels.resize(image.pixels.size());
  image.channels == 1 ? turn_pixels<1>(image, turn, out) : turn_pixels<3>(image, turn, out);
  return out;
}

Rectangle stored_window(const Rectangle& window, int height, int width, int orientation) {
  const Turn turn = turns[orientation];
  Rectangle stored = window;
  if (turn.transpose) stored = {window.left, window.top, window.width, window.height};
  if (turn.mirror_rows) stored.top = height - stored.top - stored.height;
  if (turn.mirror_columns) stored.left = width - stored.left - stored.width;
  return stored;
}

}  // namespace resnet::decoders
