// Portable grey and pixel maps (netpbm's pgm and ppm): P2, P3 as text, P5, P6 as bytes, samples of 1 to 65535. They are
// scaled to 8 bits as Pillow scales a PPM: round(value / maximum * 255), halves to even.
#include "base/error.hpp"
#include "data/channels.hpp"
#include "data/decoders/decoders.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace resnet::decoders {
namespace {

bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/// The text part of the file, number by number.
class Numbers {
 public:
  Numbers(Bytes bytes, uint64_t at) : bytes_(bytes), at_(at) {}

  /// The next number, after white space and comments.
  int next(const char* what, int most) {
    skip_space();
    if (at_ >= bytes_.size()) fail_data("PPM/PGM is cut short before its ", what);
    if (!is_digit(bytes_.u8(at_))) fail_data("PPM/PGM is damaged: its ", what, " is not a number");
    int64_t value = 0;
    for (; at_ < bytes_.size() && is_digit(bytes_.u8(at_)); ++at_) {
      value = value * 10 + (bytes_.u8(at_) - '0');
      if (value > most) fail_data("PPM/PGM is damaged: its ", what, " is above ", most);
    }
    return static_cast<int>(value);
  }
  uint64_t position() const { return at_; }

 private:
  void skip_space() {
    for (; at_ < bytes_.size(); ++at_) {
      if (bytes_.u8(at_) == '#')
        while (at_ < bytes_.size() && bytes_.u8(at_) != '\n' && bytes_.u8(at_) != '\r') ++at_;
      else if (!is_space(bytes_.u8(at_)))
        return;
    }
  }

  Bytes bytes_;
  uint64_t at_;
};

struct Header {
  bool text = false;
  int channels = 1, width = 0, height = 0, maximum = 0;
  uint64_t pixels = 0;  // where they begin
};

Header read_header(Bytes bytes) {
  const uint8_t kind = bytes.u8(1);
  Header header{.text = kind == '2' || kind == '3', .channels = kind == '3' || kind == '6' ? 3 : 1};
  Numbers numbers(bytes, 2);
  header.width = numbers.next("width", INT32_MAX);
  header.height = numbers.next("height", INT32_MAX);
  header.maximum = numbers.next("largest value", 65535);
  if (header.maximum == 0) fail_data("PPM/PGM is damaged: its largest value is 0");
  header.pixels = numbers.position() + 1;  // one white space
  if (!is_space(bytes.u8(header.pixels - 1))) fail_data("PPM/PGM is damaged: no white space after its header");
  return header;
}

std::vector<uint8_t> scale_table(int maximum) {
  std::vector<uint8_t> table(static_cast<std::size_t>(maximum) + 1);
  for (int value = 0; value <= maximum; ++value)
    table[static_cast<std::size_t>(value)] =
        static_cast<uint8_t>(std::nearbyint(static_cast<double>(value) / maximum * 255));
  return table;
}

}  // namespace

ImageInfo probe_pnm(Bytes bytes) {
  const Header header = read_header(bytes);
  return {.height = header.height,
          .width = header.width,
          .channels = header.channels,
          .bits = header.maximum > 255 ? 16 : 8};
}

Image decode_pnm(Bytes bytes, const ImageInfo& info, int channels) {
  const Header header = read_header(bytes);
  const std::size_t count = static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width) *
                            static_cast<std::size_t>(header.channels);
  const int sample_bytes = header.maximum > 255 ? 2 : 1;
  const uint64_t least = header.text ? 2 * count - 1 : count * static_cast<uint64_t>(sample_bytes);
  const uint64_t present = bytes.slice(header.pixels).size();
  if (present < least) fail_data("PPM/PGM is cut short: its pixels need ", least, " bytes, ", present, " are there");
  Image image{.channels = header.channels, .height = info.height, .width = info.width};
  image.pixels.resize(count);
  const std::vector<uint8_t> scaled = scale_table(header.maximum);
  const auto put = [&](std::size_t i, int value) {
    image.pixels[i] = scaled[static_cast<std::size_t>(std::min(value, header.maximum))];
  };
  if (header.text) {
    Numbers numbers(bytes, header.pixels);
    for (std::size_t i = 0; i < count; ++i) put(i, numbers.next("pixels", 65535));
  } else if (sample_bytes == 2) {
    for (std::size_t i = 0; i < count; ++i) put(i, bytes.u16_big(header.pixels + 2 * i));
  } else {
    const uint8_t* from = bytes.range(header.pixels, count);
    for (std::size_t i = 0; i < count; ++i) put(i, from[i]);
  }
  return with_channels(std::move(image), channels);
}

}  // namespace resnet::decoders
