#include "report/png.hpp"

#include "base/error.hpp"

#include <png.h>

#include <vector>

namespace resnet {
namespace {

// [H, W, C] from [C, H, W].
std::vector<uint8_t> interleaved(const PixelImage& image) {
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t plane = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  std::vector<uint8_t> pixels(plane * channels);
  for (std::size_t channel = 0; channel < channels; ++channel)
    for (std::size_t index = 0; index < plane; ++index)
      pixels[index * channels + channel] = image.pixels[channel * plane + index];
  return pixels;
}

}  // namespace

std::string png_bytes(const PixelImage& image) {
  const int64_t expected = int64_t{image.channels} * image.height * image.width;
  const bool known = image.channels == 1 || image.channels == 3;
  if (!known || image.height <= 0 || image.width <= 0 || static_cast<int64_t>(image.pixels.size()) != expected)
    fail("png: cannot write ", image.pixels.size(), " bytes as an image of ", image.channels, " channels, ",
         image.height, " x ", image.width, "; expected 1 or 3 channels and ", expected, " bytes");
  const std::vector<uint8_t> pixels = interleaved(image);
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&header, bytes.data(), &size, 0, pixels.data(), 0, nullptr))
    fail("png: ", static_cast<const char*>(header.message));
  bytes.resize(size);
  return bytes;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t begin = 0; begin < bytes.size(); begin += 3) {
    uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index)
      group = group << 8 | (begin + index < bytes.size() ? static_cast<uint8_t>(bytes[begin + index]) : 0U);
    for (unsigned digit = 0; digit < 4; ++digit)
      text += begin + digit <= bytes.size() ? digits[group >> (18 - 6 * digit) & 63] : '=';
  }
  return text;
}

std::string png_data_uri(const PixelImage& image) { return "data:image/png;base64," + base64(png_bytes(image)); }

}  // namespace resnet
