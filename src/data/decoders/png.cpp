// PNG through libpng: to 8 bits a sample, palettes looked up, transparency dropped. Chunks that say nothing about the
// pixels are skipped unread, so that none can be a bomb. libpng's errors end in PngReader::call, as libjpeg's do in its
// reader.
#include "base/error.hpp"
#include "data/channels.hpp"
#include "data/decoders/decoders.hpp"

#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <utility>
#include <vector>

namespace resnet::decoders {
namespace {

class PngReader {
 public:
  explicit PngReader(Bytes bytes) : rest_(bytes) {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this, [](png_structp png, png_const_charp text) { self(png).stop(text); },
        [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
    png_set_read_fn(png_, this, [](png_structp png, png_bytep to, png_size_t count) {
      static_cast<PngReader*>(png_get_io_ptr(png))->read(png, to, count);
    });
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  png_structp png() { return png_; }
  png_infop info() { return info_; }

  /// Runs `action`, which must keep nothing with a destructor while libpng may fail.
  template <class Action>
  void call(Action action) {
    if (setjmp(escape_) != 0) fail_data(message_.data());
    action();
  }

 private:
  static PngReader& self(png_structp png) { return *static_cast<PngReader*>(png_get_error_ptr(png)); }

  void read(png_structp png, png_bytep to, png_size_t count) {
    if (count > rest_.size()) png_error(png, "its data end before the picture does");
    std::memcpy(to, rest_.data(), count);
    rest_ = rest_.slice(count);
  }

  [[noreturn]] void stop(const char* text) {
    std::snprintf(message_.data(), message_.size(), "PNG is damaged: %s", text);
    std::longjmp(escape_, 1);
  }

  Bytes rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::array<char, 256> message_ = {};  // not a string: longjmp runs no destructors
  std::jmp_buf escape_ = {};
};

// Reads the header and asks for 8-bit grey or RGB.
void prepare(PngReader& reader, const ImageInfo& expected) {
  png_structp png = reader.png();
  reader.call([&] {
    png_set_user_limits(png, static_cast<png_uint_32>(expected.width), static_cast<png_uint_32>(expected.height));
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png, reader.info());
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, reader.info());
  });
}

}  // namespace

ImageInfo probe_png(Bytes bytes) {
  constexpr uint64_t header = 16;  // signature, length and name of IHDR
  if (!bytes.starts_with("IHDR", 12)) fail_data("PNG is damaged: it does not begin with an IHDR chunk");
  const uint32_t width = bytes.u32_big(header), height = bytes.u32_big(header + 4);
  if (width > INT32_MAX || height > INT32_MAX) fail_data("PNG is damaged: a size of ", width, "x", height);
  const int type = bytes.u8(header + 9);
  ImageInfo info{.height = static_cast<int>(height), .width = static_cast<int>(width), .bits = bytes.u8(header + 8)};
  info.palette = type == PNG_COLOR_TYPE_PALETTE;
  info.alpha = (type & PNG_COLOR_MASK_ALPHA) != 0;
  info.channels = (type == PNG_COLOR_TYPE_RGB || type == PNG_COLOR_TYPE_RGB_ALPHA ? 3 : 1) + (info.alpha ? 1 : 0);
  info.progressive = bytes.u8(header + 12) != 0;
  for (uint64_t at = 8; at + 8 < bytes.size() && !bytes.starts_with("IDAT", at + 4);
       at += 12 + uint64_t{bytes.u32_big(at)}) {
    info.alpha = info.alpha || bytes.starts_with("tRNS", at + 4);
    info.animated = info.animated || bytes.starts_with("acTL", at + 4);
  }
  return info;
}

Image decode_png(Bytes bytes, const ImageInfo& expected, int channels) {
  PngReader reader(bytes);
  prepare(reader, expected);
  png_structp png = reader.png();
  const int stored = png_get_channels(png, reader.info());
  if (png_get_image_width(png, reader.info()) != static_cast<png_uint_32>(expected.width) ||
      png_get_image_height(png, reader.info()) != static_cast<png_uint_32>(expected.height) ||
      (stored != 1 && stored != 3) || png_get_bit_depth(png, reader.info()) != 8)
    fail_data("PNG is damaged: its header contradicts itself");
  Image image{.channels = stored, .height = expected.height, .width = expected.width};
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(stored);
  image.pixels.resize(row_bytes * static_cast<std::size_t>(image.height));
  std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = image.pixels.data() + y * row_bytes;
  reader.call([&] { png_read_image(png, rows.data()); });
  return with_channels(std::move(image), channels);
}

}  // namespace resnet::decoders
