// The fuzz targets of the image decoders.
#pragma once

#include <cstddef>
#include <span>

namespace resnet::fuzz {

void fuzz_jpeg(std::span<const std::byte> input);
void fuzz_png(std::span<const std::byte> input);
void fuzz_webp(std::span<const std::byte> input);
void fuzz_bmp(std::span<const std::byte> input);
void fuzz_pnm(std::span<const std::byte> input);
/// The input is a TIFF block, put into a JPEG, a PNG and a WebP.
void fuzz_exif(std::span<const std::byte> input);

}  // namespace resnet::fuzz
