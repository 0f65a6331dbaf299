// The changes of a picture that augmentation is made of, without any chance in them: each gives the same bytes as the
// operator of Pillow that torchvision calls for it, so that recipes written for those mean the same here.
// Every function takes its picture by value (move it in to avoid a copy) and keeps height, width and channels.
#pragma once

#include "data/image.hpp"

#include <array>

namespace resnet {

// Blends with a degenerate picture: out = degenerate + factor (image - degenerate), cut to 0 .. 255 and rounded down
// (Pillow's ImageEnhance). factor >= 0; 1 changes nothing.

/// The degenerate picture is black.
Image adjust_brightness(Image image, double factor);
/// ... one grey, the rounded mean of the luma.
Image adjust_contrast(Image image, double factor);
/// ... the luma of each pixel (ITU-R 601). A grey picture stays as it is.
Image adjust_saturation(Image image, double factor);
/// ... the picture under Pillow's 3x3 SMOOTH; pixels at the border stay as they are.
Image adjust_sharpness(Image image, double factor);

/// Turns the hue by `shift` (-0.5 .. 0.5) of the circle, in 8-bit HSV. A grey picture stays as it is.
Image adjust_hue(Image image, double shift);

/// Keeps the `bits` (0 .. 8) highest bits of each value.
Image posterize(Image image, int bits);
/// Inverts values of at least `threshold` (0 .. 256).
Image solarize(Image image, double threshold);
Image invert(Image image);
/// Stretches each channel so that its smallest value becomes 0 and its largest 255.
Image autocontrast(Image image);
/// Makes each channel's histogram as even as a table of values can.
Image equalize(Image image);

Image flip_left_right(Image image);

enum class Interpolation { nearest, bilinear };

/// The source of the output pixel with the centre (x, y) is (a x + b y + c, d x + e y + f); black outside the picture.
using AffineMatrix = std::array<double, 6>;
Image affine(const Image& image, const AffineMatrix& matrix, Interpolation interpolation);

/// Moves by whole pixels, right and down.
Image translate(const Image& image, int right, int down, Interpolation interpolation);
/// x' = x + level y, y' = y + level x; the upper left corner stays.
Image shear_x(const Image& image, double level, Interpolation interpolation);
Image shear_y(const Image& image, double level, Interpolation interpolation);
/// Counter-clockwise about the centre. Quarter turns that keep the shape move pixels without interpolation.
Image rotate(const Image& image, double degrees, Interpolation interpolation);

}  // namespace resnet
