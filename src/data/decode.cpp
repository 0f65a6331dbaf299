#include "data/decode.hpp"

#include "base/error.hpp"
#include "data/decoders/decoders.hpp"
#include "data/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace resnet {
namespace {

using decoders::Bytes;

struct Extension {
  std::string_view text;
  ImageFormat format;
};
constexpr Extension extensions[] = {
    {".jpg", ImageFormat::jpeg}, {".jpeg", ImageFormat::jpeg}, {".png", ImageFormat::png}, {".webp", ImageFormat::webp},
    {".bmp", ImageFormat::bmp},  {".ppm", ImageFormat::pnm},   {".pgm", ImageFormat::pnm}};

void check_limits(const ImageInfo& info, const ImageLimits& limits) {
  if (info.height <= 0 || info.width <= 0)
    fail_data(name_of(info.format), " with a size of ", info.width, "x", info.height);
  if (info.height > limits.side || info.width > limits.side)
    fail_data(info.width, "x", info.height, " pixels: a side is above the limit of ", limits.side);
  if (int64_t{info.height} * info.width > limits.pixels)
    fail_data(info.width, "x", info.height, " pixels are above the limit of ", limits.pixels);
}

ImageInfo probe_format(Bytes bytes, ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg: return decoders::probe_jpeg(bytes);
    case ImageFormat::png: return decoders::probe_png(bytes);
    case ImageFormat::webp: return decoders::probe_webp(bytes);
    case ImageFormat::bmp: return decoders::probe_bmp(bytes);
    case ImageFormat::pnm: break;
  }
  return decoders::probe_pnm(bytes);
}

// Every decoder but JPEG's holds the picture as stored (4 bytes a pixel at most, WebP's animation two such canvases)
// and the converted one.
uint64_t memory_needed(const ImageInfo& info) {
  const auto pixels = static_cast<uint64_t>(info.height) * static_cast<uint64_t>(info.width);
  return pixels * (info.animated && info.format == ImageFormat::webp ? 16 : info.format == ImageFormat::webp ? 10 : 6);
}

void check_memory(uint64_t needed, const ImageLimits& limits) {
  if (needed > limits.bytes) fail_data("decoding needs ", needed, " bytes, above the limit of ", limits.bytes);
}

Image decode_whole(Bytes bytes, const ImageInfo& info, const DecodeOptions& options) {
  check_memory(memory_needed(info), options.limits);
  switch (info.format) {
    case ImageFormat::png: return decoders::decode_png(bytes, info, options.channels);
    case ImageFormat::webp: return decoders::decode_webp(bytes, info, options.channels);
    case ImageFormat::bmp: return decoders::decode_bmp(bytes, info, options.channels);
    default: return decoders::decode_pnm(bytes, info, options.channels);
  }
}

// The largest of 1, 2, 4, 8 that leaves the shorter side of `wanted` at `least` or more.
int denominator_for(const Rectangle& wanted, int least) {
  if (least <= 0) return 1;
  int denominator = 1;
  while (denominator < 8 && std::min(wanted.height, wanted.width) / (2 * denominator) >= least) denominator *= 2;
  return denominator;
}

// The pixels of a picture made smaller by `denominator` that `wanted` of the full one touches.
Rectangle scaled_window(const Rectangle& wanted, int denominator) {
  const int top = wanted.top / denominator, left = wanted.left / denominator;
  const auto up = [denominator](int x) { return (x + denominator - 1) / denominator; };
  return {top, left, up(wanted.top + wanted.height) - top, up(wanted.left + wanted.width) - left};
}

Image decode_jpeg(Bytes bytes, const DecodeOptions& options, const Rectangle& wanted, int denominator) {
  const Rectangle window = scaled_window(wanted, denominator);
  const uint64_t pixels = static_cast<uint64_t>(window.height) * static_cast<uint64_t>(window.width) *
                          static_cast<uint64_t>(options.channels) * (options.orient ? 2 : 1);
  check_memory(pixels + 1, options.limits);
  return decoders::decode_jpeg(bytes, {.channels = options.channels,
                                       .denominator = denominator,
                                       .window = window,
                                       .memory = options.limits.bytes - pixels,
                                       .strict = options.strict});
}

// `wanted` as a box of `part`, the scaled picture's pixels that it touches; both in the stored orientation.
Box box_in_part(const Rectangle& wanted, int denominator) {
  const Rectangle part = scaled_window(wanted, denominator);
  const auto scaled = [denominator](int x, int start) { return static_cast<double>(x) / denominator - start; };
  return {scaled(wanted.left, part.left), scaled(wanted.top, part.top), scaled(wanted.left + wanted.width, part.left),
          scaled(wanted.top + wanted.height, part.top)};
}

// A box of the stored picture of `height` x `width` as one of the oriented picture.
Box oriented_box(const Box& box, int height, int width, int orientation) {
  Box out = box;
  const bool mirror_columns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_rows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  if (mirror_columns) out = {width - out.right, out.top, width - out.left, out.bottom};
  if (mirror_rows) out = {out.left, height - out.bottom, out.right, height - out.top};
  if (decoders::turned(orientation)) out = {out.top, out.left, out.bottom, out.right};
  return out;
}

}  // namespace

std::string_view name_of(ImageFormat format) {
  constexpr std::array<std::string_view, 5> names = {"JPEG", "PNG", "WebP", "BMP", "PPM/PGM"};
  return names[static_cast<std::size_t>(format)];
}

std::optional<ImageFormat> detect_format(std::span<const std::byte> bytes) {
  const Bytes file(bytes);
  if (file.starts_with("\xFF\xD8\xFF")) return ImageFormat::jpeg;
  if (file.starts_with("\x89PNG\r\n\x1A\n")) return ImageFormat::png;
  if (file.starts_with("RIFF") && file.starts_with("WEBP", 8)) return ImageFormat::webp;
  if (file.starts_with("BM")) return ImageFormat::bmp;
  for (const char* magic : {"P2", "P3", "P5", "P6"})
    if (file.starts_with(magic)) return ImageFormat::pnm;
  return {};
}

std::optional<ImageFormat> format_of_extension(std::string_view extension) {
  std::string lower(extension);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; });
  for (const Extension& row : extensions)
    if (row.text == lower) return row.format;
  return {};
}

ImageInfo probe_image(std::span<const std::byte> bytes, const ImageLimits& limits) {
  if (bytes.empty()) fail_data("is empty (0 bytes)");
  const std::optional<ImageFormat> format = detect_format(bytes);
  if (!format) fail_data("is no image: its content is none of JPEG, PNG, WebP, BMP, PPM/PGM");
  ImageInfo info = probe_format(bytes, *format);
  info.format = *format;
  check_limits(info, limits);
  info.orientation = decoders::exif_orientation(bytes, *format);
  return info;
}

DecodedWindow decode_window(std::span<const std::byte> bytes, const DecodeOptions& options,
                            const std::function<Rectangle(int height, int width)>& choose) {
  if (options.channels != 1 && options.channels != 3) fail("decoding to ", options.channels, " channels; 1 or 3 exist");
  const ImageInfo info = probe_image(bytes, options.limits);
  const int orientation = options.orient ? info.orientation : 1;
  const bool turned = decoders::turned(orientation);
  const int height = turned ? info.width : info.height, width = turned ? info.height : info.width;
  const Rectangle window = choose(height, width);
  if (window.top < 0 || window.left < 0 || window.height < 1 || window.width < 1 ||
      window.top > height - window.height || window.left > width - window.width)
    fail("a window of ", window.height, "x", window.width, " at ", window.top, ",", window.left,
         " does not lie inside a picture of ", height, "x", width);
  const Rectangle stored = decoders::stored_window(window, info.height, info.width, orientation);
  Image part;
  int denominator = 1;
  if (info.format == ImageFormat::jpeg) {
    denominator = denominator_for(stored, options.scale_for);
    part = decode_jpeg(bytes, options, stored, denominator);
  } else {
    part = decode_whole(bytes, info, options);
    if (stored != Rectangle{0, 0, info.height, info.width}) part = crop(part, stored);
  }
  const Box box = oriented_box(box_in_part(stored, denominator), part.height, part.width, orientation);
  return {decoders::oriented(std::move(part), orientation), box};
}

Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options) {
  return decode_window(bytes, options, [](int height, int width) { return Rectangle{0, 0, height, width}; }).image;
}

}  // namespace resnet
