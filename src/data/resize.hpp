// Sizes: Pillow's antialiased resampling, bit for bit, and torchvision's rules for the shorter side and the centre
// crop, so that a network sees here what it saw where it was trained.
#pragma once

#include "base/preprocessing.hpp"
#include "data/decode.hpp"
#include "data/image.hpp"

#include <optional>
#include <utility>

namespace resnet {

/// Pillow's Image.resize((width, height), filter, box) for modes L and RGB: rows first, then columns, weights of 22
/// bits, rounded to 8 bits between the passes. `box` may lie between pixels and must lie inside the picture; pixels
/// around it take part, as in Pillow. Error (bad data): the box is empty or outside. height, width > 0.
Image resize(const Image& image, int height, int width, Filter filter, std::optional<Box> box = {});

/// Height and width whose shorter side is `size`: the longer one is int(size * long / short), as in torchvision.
/// Error (bad data): a side above 2^31 - 1.
std::pair<int, int> shorter_side_size(int height, int width, int size);

/// torchvision's Resize(size). Error (bad data): the result would exceed `limits`.
Image resize_shorter_side(const Image& image, int size, Filter filter, const ImageLimits& limits = {});

/// The pixels of centre_crop(resize_shorter_side(image, size), height, width), without computing the others: a picture
/// of any shape costs no more than its crop.
Image resize_and_centre_crop(const Image& image, int size, int height, int width, Filter filter);

/// The part of a picture of `height` x `width` that torchvision's CenterCrop(crop_height, crop_width) shows: top and
/// left are rounded half to even, and negative where the picture is smaller than the crop.
Rectangle centre_window(int height, int width, int crop_height, int crop_width);

/// torchvision's CenterCrop: zeros around a picture that is smaller.
Image centre_crop(const Image& image, int height, int width);

/// The pixels of `window`, which may reach beyond the picture; black there.
Image crop(const Image& image, const Rectangle& window);

}  // namespace resnet
