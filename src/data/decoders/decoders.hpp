// The decoder of each format, for decode.cpp. They deliver pictures as stored; orientation and windows are
// decode.cpp's.
#pragma once

#include "data/decode.hpp"
#include "data/decoders/bytes.hpp"

namespace resnet::decoders {

/// Header only. They leave `format`, orientation and limits to the caller. Error (bad data): a damaged header.
ImageInfo probe_jpeg(Bytes bytes);
ImageInfo probe_png(Bytes bytes);
ImageInfo probe_webp(Bytes bytes);
ImageInfo probe_bmp(Bytes bytes);
ImageInfo probe_pnm(Bytes bytes);

/// What of a JPEG is wanted.
struct JpegRequest {
  int channels = 3;
  int denominator = 1;  // 1, 2, 4, 8: the picture is made this much smaller, sides rounded up
  Rectangle window;     // of the picture at that size
  uint64_t memory = 0;  // at most, for coefficients that are kept
  bool strict = false;
};

/// `info` is what probe_* said, its size within the limits. Error (bad data): damaged or cut short.
Image decode_jpeg(Bytes bytes, const JpegRequest& request);
Image decode_png(Bytes bytes, const ImageInfo& info, int channels);
Image decode_webp(Bytes bytes, const ImageInfo& info, int channels);
Image decode_bmp(Bytes bytes, const ImageInfo& info, int channels);
Image decode_pnm(Bytes bytes, const ImageInfo& info, int channels);

/// EXIF's orientation, 1 to 8; 1 where there is none or it makes no sense. Never fails.
int exif_orientation(Bytes bytes, ImageFormat format);

/// The picture that EXIF's orientation says is meant.
Image oriented(Image image, int orientation);
/// Whether an orientation exchanges height and width.
constexpr bool turned(int orientation) { return orientation >= 5; }
/// Where `window` of the oriented picture lies in the stored one of `height` x `width`.
Rectangle stored_window(const Rectangle& window, int height, int width, int orientation);

/// Rows of 8-bit samples as decoders leave them.
enum class Samples { grey, rgb, cmyk_inverted };
constexpr int count_of(Samples samples) { return samples == Samples::grey ? 1 : samples == Samples::rgb ? 3 : 4; }

/// `width` pixels to 1 or 3 channels as Pillow's convert does it: L = (19595 R + 38470 G + 7471 B + 2^15) >> 16.
/// with_channels() is for whole pictures of grey or RGB.
/// In place is fine where the pixels shrink.
void convert_row(const uint8_t* row, Samples samples, int width, int channels, uint8_t* out);

}  // namespace resnet::decoders
