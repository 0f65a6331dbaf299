#include "images.hpp"

#include "base/error.hpp"
#include "data/decode.hpp"
#include "data/decoders/decoders.hpp"
#include "data/resize.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace resnet::fuzz {
namespace {

using Input = std::span<const std::byte>;

void expect(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

/// Numbers that depend on all of the input, so that one input always takes one path.
class Choices {
 public:
  explicit Choices(Input input) {
    for (const std::byte byte : input) state_ = (state_ ^ static_cast<uint64_t>(byte)) * 0x100000001B3u;
  }
  /// 0 .. count - 1
  int below(int count) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<uint64_t>(count));
  }
  Rectangle window(int height, int width) {
    const int top = below(height), left = below(width);
    return {top, left, 1 + below(height - top), 1 + below(width - left)};
  }

 private:
  uint64_t state_ = 0xCBF29CE484222325u;
};

void expect_complete(const Image& image, int channels) {
  expect(image.channels == channels && image.height > 0 && image.width > 0, "an impossible size");
  expect(image.pixels.size() == static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) *
                                    static_cast<std::size_t>(channels),
         "pixels do not fit the size");
}

// What decoders say of this input must agree: the header's size is the picture's, and a window shows the part of the
// whole picture where nothing is damaged.
void decode_every_way(Input input) {
  Choices choices(input);
  DecodeOptions options{.channels = choices.below(2) == 0 ? 1 : 3, .limits = {.pixels = 1 << 18, .bytes = 1 << 26}};
  const ImageInfo info = probe_image(input, options.limits);
  const Image whole = decode_image(input, options);
  expect_complete(whole, options.channels);
  const bool turned = info.orientation >= 5;
  expect(whole.height == (turned ? info.width : info.height), "the height differs from the header's");
  expect(whole.width == (turned ? info.height : info.width), "the width differs from the header's");

  const Rectangle window = choices.window(whole.height, whole.width);
  const Image part = decode_window(input, options, [&](int, int) { return window; }).image;
  expect_complete(part, options.channels);
  resize(part, 1 + choices.below(40), 1 + choices.below(40),
         choices.below(2) == 0 ? Filter::bilinear : Filter::bicubic);

  options.scale_for = 1 + choices.below(16);
  const DecodedWindow scaled = decode_window(input, options, [&](int, int) { return window; });
  expect_complete(scaled.image, options.channels);
  resize(scaled.image, 7, 5, Filter::bilinear, scaled.box);

  options.scale_for = 0;
  options.strict = true;
  expect(decode_image(input, options) == whole, "strict decoding changes pixels");
  expect(part == crop(whole, window), "a window differs from its part of the picture");
}

void fuzz_format(Input input, ImageFormat format) {
  if (detect_format(input) != format) return;
  try {
    decode_every_way(input);
  } catch (const Error&) {
  }
}

std::string bytes_of(uint64_t number, int count, bool big) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>(number >> 8 * (big ? count - 1 - i : i));
  return text;
}

}  // namespace

void fuzz_jpeg(Input input) { fuzz_format(input, ImageFormat::jpeg); }
void fuzz_png(Input input) { fuzz_format(input, ImageFormat::png); }
void fuzz_webp(Input input) { fuzz_format(input, ImageFormat::webp); }
void fuzz_bmp(Input input) { fuzz_format(input, ImageFormat::bmp); }
void fuzz_pnm(Input input) { fuzz_format(input, ImageFormat::pnm); }

void fuzz_exif(Input input) {
  const std::string block(reinterpret_cast<const char*>(input.data()), std::min<std::size_t>(input.size(), 60'000));
  const std::string prefix("Exif\0\0", 6);
  const std::string jpeg = "\xFF\xD8\xFF\xE1" + bytes_of(block.size() + 8, 2, true) + prefix + block + "\xFF\xD9";
  const std::string png = "\x89PNG\r\n\x1A\n" + bytes_of(block.size(), 4, true) + "eXIf" + block + "crc.";
  const std::string webp = "RIFF....WEBPEXIF" + bytes_of(block.size(), 4, false) + block;
  const auto orientation = [](const std::string& file, ImageFormat format) {
    const int value = decoders::exif_orientation(std::as_bytes(std::span(file)), format);
    expect(value >= 1 && value <= 8, "an impossible orientation");
    return value;
  };
  const int value = orientation(jpeg, ImageFormat::jpeg);
  expect(value == orientation(png, ImageFormat::png), "the orientation depends on the container");
  if (!block.starts_with(prefix)) expect(value == orientation(webp, ImageFormat::webp), "... on WebP as container");
  orientation(std::string(block), ImageFormat::jpeg);
}

}  // namespace resnet::fuzz
