#include "data/channels.hpp"

#include <algorithm>
#include <cstddef>

namespace resnet {

Image with_channels(Image image, int channels) {
  if (image.channels == channels) return image;
  Image result{.channels = channels, .height = image.height, .width = image.width};
  const std::size_t area = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  result.pixels.resize(area * static_cast<std::size_t>(channels));
  for (std::size_t i = 0; i < area; ++i)
    if (channels == 1)
      result.pixels[i] = luma(&image.pixels[3 * i]);
    else
      std::fill_n(&result.pixels[3 * i], 3, image.pixels[i]);
  return result;
}

}  // namespace resnet
