// Windows bitmaps: 1, 4 and 8 bits with a palette, run-length coded or not, 16, 24 and 32 bits with fixed or given
// masks, bottom-up or top-down. Alpha is dropped. Samples of fewer than 8 bits are scaled by v * 255 / max, rounded
// down, as Pillow does.
#include "base/error.hpp"
#include "data/channels.hpp"
#include "data/decoders/decoders.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

namespace resnet::decoders {
namespace {

enum Compression : uint32_t { uncompressed = 0, rle8 = 1, rle4 = 2, bit_fields = 3, alpha_bit_fields = 6 };

struct Header {
  uint64_t pixels = 0;                // where they begin
  uint64_t palette = 0;               // where it begins
  int palette_step = 4, colours = 0;  // bytes of an entry, entries
  int width = 0, height = 0;
  bool top_down = false;
  int bits = 0;
  uint32_t compression = uncompressed;
  std::array<uint32_t, 3> masks = {};  // red, green, blue; for 16 and 32 bits
};

void read_masks(Bytes bytes, uint64_t info_size, Header& header) {
  if (header.bits == 16) header.masks = {0x7C00, 0x03E0, 0x001F};
  if (header.bits == 32) header.masks = {0xFF0000, 0x00FF00, 0x0000FF};
  if (header.compression != bit_fields && header.compression != alpha_bit_fields) return;
  if (header.bits != 16 && header.bits != 32)
    fail_data("BMP is damaged: bit masks with ", header.bits, " bits a pixel");
  for (uint64_t c = 0; c < 3; ++c) {
    const uint32_t mask = bytes.u32_little(14 + 40 + 4 * c);
    const uint32_t low = mask == 0 ? 0 : mask >> std::countr_zero(mask);
    if ((low & (low + 1)) != 0 || (header.bits == 16 && mask > 0xFFFF))
      fail_data("BMP is damaged: a colour mask with holes or outside of the pixel");
    header.masks[c] = mask;
  }
  const uint64_t mask_bytes = header.compression == bit_fields ? 12 : 16;
  if (info_size == 40) header.palette += mask_bytes;
}

void check_depth(const Header& header) {
  const int bits = header.bits;
  const uint32_t way = header.compression;
  if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
    fail_data("BMP with ", bits, " bits a pixel; 1, 4, 8, 16, 24 and 32 can be read");
  if (way != uncompressed && way != rle8 && way != rle4 && way != bit_fields && way != alpha_bit_fields)
    fail_data("BMP with compression ", way, "; 0 to 3 and 6 can be read");
  if ((way == rle8 && bits != 8) || (way == rle4 && bits != 4))
    fail_data("BMP is damaged: run lengths with ", bits, " bits a pixel");
}

Header read_header(Bytes bytes) {
  const uint64_t info_size = bytes.u32_little(14);
  Header header{.pixels = bytes.u32_little(10), .palette = 14 + info_size};
  if (info_size == 12) {
    header.width = bytes.u16_little(18);
    header.height = bytes.u16_little(20);
    header.bits = bytes.u16_little(24);
    header.palette_step = 3;
  } else if (info_size >= 40 && info_size <= 124) {
    header.width = static_cast<int>(bytes.u32_little(18));
    const auto height = static_cast<int>(bytes.u32_little(22));
    header.top_down = height < 0;
    if (height == INT32_MIN) fail_data("BMP is damaged: a height of ", height);
    header.height = header.top_down ? -height : height;
    header.bits = bytes.u16_little(28);
    header.compression = bytes.u32_little(30);
    header.colours = static_cast<int>(std::min<uint32_t>(bytes.u32_little(46), 256));
  } else {
    fail_data("BMP with a header of ", info_size, " bytes; 12 and 40 to 124 can be read");
  }
  if (header.width <= 0 || header.height <= 0)
    fail_data("BMP is damaged: a size of ", header.width, "x", header.height);
  check_depth(header);
  read_masks(bytes, info_size, header);
  if (header.bits <= 8 && (header.colours == 0 || header.colours > 1 << header.bits)) header.colours = 1 << header.bits;
  return header;
}

using Palette = std::array<std::array<uint8_t, 3>, 256>;

// Entries that are missing are black.
Palette read_palette(Bytes bytes, const Header& header) {
  Palette palette = {};
  const auto step = static_cast<uint64_t>(header.palette_step);
  for (uint64_t i = 0; i < static_cast<uint64_t>(header.colours); ++i)
    for (uint64_t c = 0; c < 3; ++c) palette[i][c] = bytes.u8(header.palette + i * step + 2 - c);
  return palette;
}

/// Palette indices of a run-length coded picture, rows in the order of the file.
class RunLengths {
 public:
  RunLengths(Bytes bytes, const Header& header)
      : bytes_(bytes),
        at_(header.pixels),
        four_bits_(header.compression == rle4),
        width_(static_cast<std::size_t>(header.width)),
        height_(static_cast<std::size_t>(header.height)),
        indices_(width_ * height_) {}

  std::vector<uint8_t> decode() {
    while (row_ < height_) {
      const int count = next(), value = next();
      if (count > 0)
        for (int i = 0; i < count; ++i) put(nibble(value, i));
      else if (value == 0)
        end_row();
      else if (value == 1)
        break;
      else if (value == 2)
        move();
      else
        literal(value);
    }
    return std::move(indices_);
  }

 private:
  int next() { return bytes_.u8(at_++); }
  int nibble(int value, int i) const { return !four_bits_ ? value : i % 2 == 0 ? value >> 4 : value & 15; }
  void put(int index) {
    if (row_ < height_ && column_ < width_) indices_[row_ * width_ + column_] = static_cast<uint8_t>(index);
    ++column_;
  }
  void end_row() {
    ++row_;
    column_ = 0;
  }
  void move() {
    column_ += static_cast<std::size_t>(next());
    row_ += static_cast<std::size_t>(next());
  }
  // `count` pixels, padded to 16 bits.
  void literal(int count) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (!four_bits_ || i % 2 == 0) value = next();
      put(nibble(value, i));
    }
    const int bytes = four_bits_ ? (count + 1) / 2 : count;
    if (bytes % 2 != 0) next();
  }

  Bytes bytes_;
  uint64_t at_;
  bool four_bits_;
  std::size_t width_, height_, row_ = 0, column_ = 0;
  std::vector<uint8_t> indices_;
};

int index_of(const uint8_t* row, int x, int bits) {
  const int per_byte = 8 / bits;
  return row[x / per_byte] >> (bits * (per_byte - 1 - x % per_byte)) & ((1 << bits) - 1);
}

uint8_t masked(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  return static_cast<uint8_t>(uint64_t{(pixel & mask) >> shift} * 255 / (mask >> shift));
}

// One row of the file to RGB.
void read_row(const uint8_t* row, const Header& header, const Palette& palette, uint8_t* rgb) {
  const int step = header.bits / 8;
  for (int x = 0; x < header.width; ++x, rgb += 3) {
    if (header.bits <= 8) {
      const auto& colour = palette[static_cast<std::size_t>(index_of(row, x, header.bits))];
      std::copy_n(colour.data(), 3, rgb);
      continue;
    }
    const uint8_t* pixel = row + std::ptrdiff_t{x} * step;
    if (header.bits == 24) {
      for (int c = 0; c < 3; ++c) rgb[c] = pixel[2 - c];
      continue;
    }
    uint32_t value = 0;
    for (int i = step - 1; i >= 0; --i) value = value << 8 | pixel[i];
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = masked(value, header.masks[c]);
  }
}

}  // namespace

ImageInfo probe_bmp(Bytes bytes) {
  const Header header = read_header(bytes);
  ImageInfo info{.height = header.height, .width = header.width};
  info.palette = header.bits <= 8;
  info.channels = info.palette ? 1 : 3;
  info.bits = info.palette ? header.bits : header.bits == 16 ? 5 : 8;
  return info;
}

Image decode_bmp(Bytes bytes, const ImageInfo& info, int channels) {
  Header header = read_header(bytes);
  const Palette palette = header.bits <= 8 ? read_palette(bytes, header) : Palette{};
  const auto width = static_cast<std::size_t>(info.width), height = static_cast<std::size_t>(info.height);
  std::size_t row_bytes = (width * static_cast<std::size_t>(header.bits) + 31) / 32 * 4;
  std::vector<uint8_t> indices;
  const uint8_t* rows = nullptr;
  if (header.compression == rle8 || header.compression == rle4) {
    indices = RunLengths(bytes, header).decode();
    rows = indices.data();
    row_bytes = width;
    header.bits = 8;
  } else {
    const std::size_t last_row = (width * static_cast<std::size_t>(header.bits) + 7) / 8;  // its padding may be missing
    rows = bytes.range(header.pixels, row_bytes * (height - 1) + last_row);
  }
  Image image{.channels = 3, .height = info.height, .width = info.width};
  image.pixels.resize(width * height * 3);
  for (std::size_t y = 0; y < height; ++y)
    read_row(rows + y * row_bytes, header, palette,
             image.pixels.data() + (header.top_down ? y : height - 1 - y) * width * 3);
  return with_channels(std::move(image), channels);
}

}  // namespace resnet::decoders
