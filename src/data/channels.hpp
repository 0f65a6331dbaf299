// Grey from RGB and RGB from grey, by Pillow's formulas: the same for decoders, augmentation and networks.
#pragma once

#include "data/image.hpp"

#include <cstdint>

namespace resnet {

/// Luma of ITU-R 601 in 16 fractional bits, rounded: what Pillow's convert("L") gives.
inline uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

/// A picture of grey or RGB with 1 or 3 channels: luma, or three equal ones.
Image with_channels(Image image, int channels);

}  // namespace resnet
