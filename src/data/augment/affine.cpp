// Mirrors, moves, shears and turns: the affine transform of Pillow's Geometry.c and the matrices that torchvision gives
// it.
#include "data/augment/operators.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

namespace resnet {
namespace {

constexpr double radians_of_degree = std::numbers::pi / 180;

Image black_like(const Image& image) {
  return {.channels = image.channels,
          .height = image.height,
          .width = image.width,
          .pixels = std::vector<uint8_t>(image.pixels.size())};
}

std::size_t offset_of(const Image& image, int y, int x) {
  return (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) *
         static_cast<std::size_t>(image.channels);
}

void copy_pixel(const Image& from, int source_y, int source_x, Image& to, int y, int x) {
  std::copy_n(from.pixels.begin() + static_cast<std::ptrdiff_t>(offset_of(from, source_y, source_x)), from.channels,
              to.pixels.begin() + static_cast<std::ptrdiff_t>(offset_of(to, y, x)));
}

/// Pillow's COORD: the pixel that holds a coordinate; -1 left of the first.
int pixel_at(double coordinate) { return coordinate < 0 ? -1 : static_cast<int>(coordinate); }

bool inside(const Image& image, int y, int x) { return x >= 0 && x < image.width && y >= 0 && y < image.height; }

/// A matrix without rotation or shear: positions are summed up, one step for each pixel.
Image scaled_nearest(const Image& image, const AffineMatrix& m) {
  Image out = black_like(image);
  double source_y = m[5] + m[4] * 0.5;
  for (int y = 0; y < image.height; ++y, source_y += m[4]) {
    double source_x = m[2] + m[0] * 0.5;
    for (int x = 0; x < image.width; ++x, source_x += m[0])
      if (inside(image, pixel_at(source_y), pixel_at(source_x)))
        copy_pixel(image, pixel_at(source_y), pixel_at(source_x), out, y, x);
  }
  return out;
}

/// Positions in 16 fractional bits. Coordinates are below 2^15.
Image fixed_point_nearest(const Image& image, const AffineMatrix& m) {
  Image out = black_like(image);
  const auto fixed = [](double value) { return static_cast<int64_t>(std::floor(value * 65536.0 + 0.5)); };
  const int64_t x_step = fixed(m[0]), y_step = fixed(m[3]);
  int64_t row_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5), row_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  for (int y = 0; y < image.height; ++y, row_x += fixed(m[1]), row_y += fixed(m[4]))
    for (int x = 0; x < image.width; ++x) {
      const int source_x = static_cast<int>((row_x + x * x_step) >> 16);
      const int source_y = static_cast<int>((row_y + x * y_step) >> 16);
      if (inside(image, source_y, source_x)) copy_pixel(image, source_y, source_x, out, y, x);
    }
  return out;
}

Image floating_nearest(const Image& image, const AffineMatrix& m) {
  Image out = black_like(image);
  double row_x = m[2] + m[1] * 0.5 + m[0] * 0.5, row_y = m[5] + m[4] * 0.5 + m[3] * 0.5;
  for (int y = 0; y < image.height; ++y, row_x += m[1], row_y += m[4]) {
    double source_x = row_x, source_y = row_y;
    for (int x = 0; x < image.width; ++x, source_x += m[0], source_y += m[3])
      if (inside(image, pixel_at(source_y), pixel_at(source_x)))
        copy_pixel(image, pixel_at(source_y), pixel_at(source_x), out, y, x);
  }
  return out;
}

bool fits_fixed_point(const Image& image, const AffineMatrix& m) {
  for (const int x : {0, image.width})
    for (const int y : {0, image.height})
      if (std::fabs(x * m[0] + y * m[1] + m[2]) >= 32768 || std::fabs(x * m[3] + y * m[4] + m[5]) >= 32768)
        return false;
  return true;
}

void sample_bilinear(const Image& image, double x, double y, uint8_t* out) {
  if (!(x >= 0 && x < image.width && y >= 0 && y < image.height)) return;
  x -= 0.5;
  y -= 0.5;
  const int column = static_cast<int>(std::floor(x)), row = static_cast<int>(std::floor(y));
  const double right = x - column, down = y - row;
  const int left_at = std::clamp(column, 0, image.width - 1), right_at = std::clamp(column + 1, 0, image.width - 1);
  const uint8_t* upper = image.pixels.data() + offset_of(image, std::clamp(row, 0, image.height - 1), 0);
  const uint8_t* lower = image.pixels.data() + offset_of(image, std::clamp(row + 1, 0, image.height - 1), 0);
  for (int c = 0; c < image.channels; ++c) {
    const int a = left_at * image.channels + c, b = right_at * image.channels + c;
    const double top = upper[a] + (upper[b] - upper[a]) * right;
    const double bottom = lower[a] + (lower[b] - lower[a]) * right;
    out[c] = static_cast<uint8_t>(top + (bottom - top) * down);
  }
}

Image affine_bilinear(const Image& image, const AffineMatrix& m) {
  Image out = black_like(image);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const double centre_x = x + 0.5, centre_y = y + 0.5;
      sample_bilinear(image, m[0] * centre_x + m[1] * centre_y + m[2], m[3] * centre_x + m[4] * centre_y + m[5],
                      out.pixels.data() + offset_of(out, y, x));
    }
  return out;
}

/// The inverse of: shear about the corner, then move (torchvision's _get_inverse_affine_matrix without rotation).
AffineMatrix inverse_matrix(double shear_x_angle, double shear_y_angle, double right, double down, double centre_x,
                            double centre_y) {
  const double a = std::cos(-shear_y_angle) / std::cos(shear_y_angle);
  const double b = -std::cos(-shear_y_angle) * std::tan(shear_x_angle) / std::cos(shear_y_angle);
  const double c = std::sin(-shear_y_angle) / std::cos(shear_y_angle);
  const double d = -std::sin(-shear_y_angle) * std::tan(shear_x_angle) / std::cos(shear_y_angle) + 1;
  AffineMatrix m = {d, -b, 0, -c, a, 0};
  m[2] = m[0] * (-centre_x - right) + m[1] * (-centre_y - down) + centre_x;
  m[5] = m[3] * (-centre_x - right) + m[4] * (-centre_y - down) + centre_y;
  return m;
}

/// torchvision hands the angle of a shear over in degrees, and takes it back.
double shear_angle(double level) { return std::atan(level) * (180 / std::numbers::pi) * radians_of_degree; }

/// Python's round(value, 15): to the nearest decimal of 15 places.
double rounded_15(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 15).ptr;
  double result = 0;
  std::from_chars(text, end, result);
  return result;
}

/// A quarter turn counter-clockwise of a square picture, or two of any.
Image quarter_turned(const Image& image, int quarters) {
  Image out = black_like(image);
  const int last_x = image.width - 1, last_y = image.height - 1;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      if (quarters == 1) copy_pixel(image, x, last_x - y, out, y, x);
      if (quarters == 2) copy_pixel(image, last_y - y, last_x - x, out, y, x);
      if (quarters == 3) copy_pixel(image, last_y - x, y, out, y, x);
    }
  return out;
}

}  // namespace

Image affine(const Image& image, const AffineMatrix& matrix, Interpolation interpolation) {
  if (interpolation == Interpolation::bilinear) return affine_bilinear(image, matrix);
  if (matrix[1] == 0 && matrix[3] == 0) return scaled_nearest(image, matrix);
  return fits_fixed_point(image, matrix) ? fixed_point_nearest(image, matrix) : floating_nearest(image, matrix);
}

Image translate(const Image& image, int right, int down, Interpolation interpolation) {
  return affine(image, inverse_matrix(0, 0, right, down, image.width * 0.5, image.height * 0.5), interpolation);
}

Image shear_x(const Image& image, double level, Interpolation interpolation) {
  return affine(image, inverse_matrix(shear_angle(level), 0, 0, 0, 0, 0), interpolation);
}

Image shear_y(const Image& image, double level, Interpolation interpolation) {
  return affine(image, inverse_matrix(0, shear_angle(level), 0, 0, 0, 0), interpolation);
}

Image rotate(const Image& image, double degrees, Interpolation interpolation) {
  degrees = std::fmod(degrees, 360.0);
  if (degrees < 0) degrees += 360;
  if (degrees == 0) return image;
  if (degrees == 180 || ((degrees == 90 || degrees == 270) && image.height == image.width))
    return quarter_turned(image, static_cast<int>(degrees) / 90);
  const double angle = -(degrees * radians_of_degree), centre_x = image.width / 2.0, centre_y = image.height / 2.0;
  const double cosine = rounded_15(std::cos(angle)), sine = rounded_15(std::sin(angle));
  AffineMatrix m = {cosine, sine, 0, rounded_15(-std::sin(angle)), cosine, 0};
  m[2] = m[0] * -centre_x + m[1] * -centre_y + m[2] + centre_x;
  m[5] = m[3] * -centre_x + m[4] * -centre_y + m[5] + centre_y;
  return affine(image, m, interpolation);
}

Image flip_left_right(Image image) {
  for (int y = 0; y < image.height; ++y) {
    uint8_t* row = image.pixels.data() + offset_of(image, y, 0);
    for (int x = 0; x < image.width / 2; ++x)
      std::swap_ranges(row + x * image.channels, row + (x + 1) * image.channels,
                       row + (image.width - 1 - x) * image.channels);
  }
  return image;
}

}  // namespace resnet
