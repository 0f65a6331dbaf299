// From the bytes of an image file to pixels: JPEG, PNG, WebP, BMP and PPM/PGM, told apart by their content. The bytes
// may come from anywhere: sizes are checked against limits before memory is taken, and damage is an Error, never a
// crash. Errors do not name the file; callers add it with with_context.
#pragma once

#include "data/image.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace resnet {

/// What a picture may claim at most. The header is checked against them before memory is taken for pixels.
struct ImageLimits {
  int64_t pixels = 100'000'000;        // height * width as stored
  int side = 65'535;                   // of height and of width; what JPEG can express
  uint64_t bytes = uint64_t{1} << 30;  // of memory for one picture: its pixels and what its decoder keeps beside them
};

struct DecodeOptions {
  int channels = 3;  // 1: grey (Pillow's convert("L")), 3: RGB
  ImageLimits limits = {};
  /// Applies the EXIF orientation, so that the picture stands as its camera saw it.
  bool orient = true;
  /// Above 0, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, as long as the shorter side of what is wanted (the
  /// picture, or the window of decode_window) stays at least this long. 0: full size.
  int scale_for = 0;
  /// Also refuses damage inside a JPEG that libjpeg (and Pillow with it) papers over; for `check`.
  bool strict = false;
};

/// Height, width, channels as asked for. Alpha is dropped as Pillow's convert("RGB") does it, 16-bit samples lose their
/// low byte, palettes are looked up, CMYK becomes RGB by Pillow's formula, the first frame of an animation is taken.
/// Error (bad data): no known format, damaged, cut short, or above a limit.
Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options = {});

/// A rectangle between pixels, as Pillow's `box`: pixel (y, x) covers [x, x + 1) by [y, y + 1).
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  bool operator==(const Box&) const = default;
};

/// Part of a picture; `box` is the wanted window in coordinates of `image`: all of it unless a scaled JPEG does not
/// divide evenly. Made for resize(image, height, width, filter, box).
struct DecodedWindow {
  Image image;
  Box box;
};

/// Decodes only as much as the window needs: its pixels equal those of crop(decode_image(bytes), window) unless
/// options.scale_for let the JPEG be scaled. `choose` gets height and width as the picture stands after orientation
/// and returns a window inside it. Error (bad data): as decode_image, but damage beside the window may pass; that the
/// end is missing is always noticed.
DecodedWindow decode_window(std::span<const std::byte> bytes, const DecodeOptions& options,
                            const std::function<Rectangle(int height, int width)>& choose);

enum class ImageFormat { jpeg, png, webp, bmp, pnm };

/// "JPEG", "PNG", "WebP", "BMP", "PPM/PGM"
std::string_view name_of(ImageFormat format);

/// What the first bytes say; nothing if they are of none of the formats.
std::optional<ImageFormat> detect_format(std::span<const std::byte> bytes);

/// The format that a file extension (".JPG", any case, with the dot) promises; nothing if it is none of an image.
std::optional<ImageFormat> format_of_extension(std::string_view extension);

/// What the header says, without decoding pixels.
struct ImageInfo {
  ImageFormat format = ImageFormat::jpeg;
  int height = 0, width = 0;  // as stored, before orientation
  int channels = 0;           // as stored, a palette's index counting as one and alpha as one
  int bits = 8;               // of one sample, as stored
  int orientation = 1;        // EXIF's tag 0x0112, 1 (upright) to 8
  bool alpha = false;
  bool palette = false;
  bool cmyk = false;
  bool progressive = false;  // JPEG in several scans, interlaced PNG
  bool animated = false;
};

/// Error (bad data): no known format, a damaged header, or above a limit of height, width or pixels.
ImageInfo probe_image(std::span<const std::byte> bytes, const ImageLimits& limits = {});

}  // namespace resnet
