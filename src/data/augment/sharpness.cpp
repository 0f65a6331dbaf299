// Sharpness: a blend with the picture under Pillow's 3x3 filter SMOOTH, in the order of additions of its Filter.c.
#include "data/augment/operators.hpp"
#include "data/augment/table.hpp"

namespace resnet {
namespace {

// 1 1 1
// 1 5 1  / 13
// 1 1 1
constexpr float side = 1.0f / 13.0f, middle = 5.0f / 13.0f;

struct Row {
  const uint8_t* at;
  int step;  // from a pixel to the next of the same channel

  float sum(float centre) const {
    return static_cast<float>(at[-step]) * side + static_cast<float>(at[0]) * centre +
           static_cast<float>(at[step]) * side;
  }
};

uint8_t smoothed(const uint8_t* at, int step, std::ptrdiff_t stride) {
  float sum = 0.5f;
  sum += Row{at + stride, step}.sum(side);
  sum += Row{at, step}.sum(middle);
  sum += Row{at - stride, step}.sum(side);
  return sum >= 255 ? 255 : static_cast<uint8_t>(sum);
}

}  // namespace

Image adjust_sharpness(Image image, double factor) {
  if (image.height < 3 || image.width < 3) return image;  // the filter leaves such a picture alone
  const auto single = static_cast<float>(factor);
  const Image before = image;
  const int channels = image.channels;
  const std::ptrdiff_t stride = std::ptrdiff_t{channels} * image.width;
  for (std::ptrdiff_t row = 1; row < image.height - 1; ++row)
    for (std::ptrdiff_t at = row * stride + channels; at < (row + 1) * stride - channels; ++at) {
      const uint8_t* from = before.pixels.data() + at;
      image.pixels[static_cast<std::size_t>(at)] = blend(smoothed(from, channels, stride), *from, single);
    }
  return image;
}

}  // namespace resnet
