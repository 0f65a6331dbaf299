// A decoded picture of any size: what decoders make, transforms change, and the loader turns into a network's input.
#pragma once

#include <cstdint>
#include <vector>

namespace resnet {

/// 8-bit pixels, interleaved as decoders deliver them: [height, width, channels] row-major.
struct Image {
  int channels = 3;  // 1: grey, 3: RGB
  int height = 0;
  int width = 0;
  std::vector<uint8_t> pixels = {};  // height * width * channels

  bool operator==(const Image&) const = default;
};

/// A part of a picture, in whole pixels.
struct Rectangle {
  int top = 0, left = 0, height = 0, width = 0;
  bool operator==(const Rectangle&) const = default;
};

}  // namespace resnet
