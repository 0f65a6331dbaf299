// EXIF's orientation (tag 0x0112 of IFD0): where each container keeps its EXIF block, and the one tag of it. Whatever
// does not parse counts as upright, as viewers treat it.
#include "data/decoders/decoders.hpp"

#include <algorithm>
#include <optional>

namespace resnet::decoders {
namespace {

// `tiff` begins with "II" or "MM" (EXIF 2.32, section 4.5).
int orientation_of_tiff(Bytes tiff) {
  const bool little = tiff.starts_with("II");
  if (!little && !tiff.starts_with("MM")) return 1;
  const auto u16 = [&](uint64_t at) { return little ? tiff.u16_little(at) : tiff.u16_big(at); };
  const auto u32 = [&](uint64_t at) { return little ? tiff.u32_little(at) : tiff.u32_big(at); };
  if (u16(2) != 42) return 1;
  const uint64_t directory = u32(4);
  const int entries = u16(directory);
  for (int i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + 12 * static_cast<uint64_t>(i);
    constexpr int orientation_tag = 0x0112, type_short = 3;
    if (u16(entry) != orientation_tag) continue;
    if (u16(entry + 2) != type_short || u32(entry + 4) != 1) return 1;
    const int value = u16(entry + 8);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

constexpr std::string_view exif_prefix{"Exif\0\0", 6};

Bytes without_prefix(Bytes block) { return block.starts_with(exif_prefix) ? block.slice(6) : block; }

// The first APP1 segment with EXIF before the image data.
Bytes exif_of_jpeg(Bytes bytes) {
  uint64_t at = 2;
  while (bytes.u8(at) == 0xFF) {
    const int marker = bytes.u8(at + 1);
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    constexpr int app1 = 0xE1, start_of_scan = 0xDA, end_of_image = 0xD9;
    if (marker == start_of_scan || marker == end_of_image) break;
    const uint64_t length = bytes.u16_big(at + 2);
    if (length < 2) break;
    if (marker == app1 && bytes.starts_with(exif_prefix, at + 4)) return bytes.slice(at + 10, length - 2 - 6);
    at += 2 + length;
  }
  return {};
}

Bytes exif_of_png(Bytes bytes) {
  for (uint64_t at = 8; !bytes.starts_with("IEND", at + 4); at += 12 + uint64_t{bytes.u32_big(at)})
    if (bytes.starts_with("eXIf", at + 4)) return bytes.slice(at + 8, bytes.u32_big(at));
  return {};
}

Bytes exif_of_webp(Bytes bytes) {
  for (uint64_t at = 12; at < bytes.size();) {
    const uint64_t length = bytes.u32_little(at + 4);
    if (bytes.starts_with("EXIF", at)) return without_prefix(bytes.slice(at + 8, length));
    at += 8 + length + length % 2;
  }
  return {};
}

Bytes exif_block(Bytes bytes, ImageFormat format) {
  switch (format) {
    case ImageFormat::jpeg: return exif_of_jpeg(bytes);
    case ImageFormat::png: return exif_of_png(bytes);
    case ImageFormat::webp: return exif_of_webp(bytes);
    case ImageFormat::bmp:
    case ImageFormat::pnm: break;
  }
  return {};
}

}  // namespace

int exif_orientation(Bytes bytes, ImageFormat format) {
  try {
    return orientation_of_tiff(exif_block(bytes, format));
  } catch (const Error&) {
    return 1;
  }
}

}  // namespace resnet::decoders
