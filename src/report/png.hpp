// 8-bit images as PNG in memory, so that a page can carry them inside itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace resnet {

/// A view of an 8-bit image, planes one after the other: [channels, height, width], 1 (grey) or 3 (RGB) channels.
struct PixelImage {
  int channels = 3;
  int height = 0;
  int width = 0;
  std::span<const uint8_t> pixels;
};

/// The bytes of a PNG file. Error: other than 1 or 3 channels, an empty image, or too few pixels.
std::string png_bytes(const PixelImage& image);

/// "data:image/png;base64,..."
std::string png_data_uri(const PixelImage& image);

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace resnet
