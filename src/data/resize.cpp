#include "data/resize.hpp"

#include "base/error.hpp"
#include "data/pixel_kernels.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <vector>

namespace resnet {
namespace {

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys, "Cubic convolution interpolation for digital image processing", 1981, equation 15 with a = -0.5; in the order
// of operations of Pillow, whose rounding the weights share.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// The weights along one axis, for outputs [begin, end) of `out_size`.
class AxisWeights {
 public:
  AxisWeights(int in_size, float start, float stop, int out_size, int begin, int end, Filter filter) {
    const double scale = static_cast<double>(stop - start) / out_size;
    const double widening = std::max(scale, 1.0);
    const double support = (filter == Filter::bilinear ? 1.0 : 2.0) * widening;
    taps_ = std::min(static_cast<int>(std::ceil(support)) * 2 + 1, in_size);
    const auto outputs = static_cast<std::size_t>(end - begin);
    first_.resize(outputs);
    count_.resize(outputs);
    weights_.resize(outputs * static_cast<std::size_t>(taps_));
    std::vector<double> exact(static_cast<std::size_t>(taps_));
    for (std::size_t i = 0; i < outputs; ++i) {
      const double centre =
          static_cast<double>(start) + (static_cast<double>(begin) + static_cast<double>(i) + 0.5) * scale;
      const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
      const int last = std::min(static_cast<int>(centre + support + 0.5), in_size);
      first_[i] = first;
      count_[i] = last - first;
      double sum = 0;
      for (int t = 0; t < last - first; ++t) {
        const double x = (t + first - centre + 0.5) * (1.0 / widening);
        sum += exact[static_cast<std::size_t>(t)] = filter == Filter::bilinear ? triangle(x) : cubic(x);
      }
      for (int t = 0; t < last - first; ++t)
        weights_[i * static_cast<std::size_t>(taps_) + static_cast<std::size_t>(t)] =
            in_bits(sum == 0 ? exact[static_cast<std::size_t>(t)] : exact[static_cast<std::size_t>(t)] / sum);
    }
  }

  pixels::Weights view() const {
    return {static_cast<int>(first_.size()), taps_, first_.data(), count_.data(), weights_.data()};
  }
  /// Input positions that take part: [begin(), end()).
  int begin() const { return first_.front(); }
  int end() const { return first_.back() + count_.back(); }
  /// Counts input positions from begin() on.
  void start_at_zero() {
    const int shift = begin();
    for (int32_t& first : first_) first -= shift;
  }

 private:
  static int32_t in_bits(double weight) {
    const double scaled = weight * (1 << pixels::weight_bits);
    return static_cast<int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
  }

  int taps_ = 0;
  std::vector<int32_t> first_, count_, weights_;
};

std::size_t bytes_of(const Image& image) {
  return static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width) *
         static_cast<std::size_t>(image.channels);
}

Image blank(int channels, int height, int width) {
  Image image{.channels = channels, .height = height, .width = width};
  image.pixels.resize(bytes_of(image));
  return image;
}

// The part `wanted` of `image`'s `box` resized to height x width.
Image resample(const Image& image, int height, int width, Filter filter, const Box& box, const Rectangle& wanted) {
  assert(height > 0 && width > 0 && image.pixels.size() == bytes_of(image));
  if (!(box.left >= 0 && box.top >= 0 && box.right <= image.width && box.bottom <= image.height))
    fail_data("resize: a box of ", box.left, ",", box.top, " to ", box.right, ",", box.bottom,
              " outside of a picture of ", image.width, "x", image.height);
  if (!(box.left < box.right && box.top < box.bottom)) fail_data("resize: an empty box");
  // Pillow keeps boxes as floats.
  const auto left = static_cast<float>(box.left), right = static_cast<float>(box.right);
  const auto top = static_cast<float>(box.top), bottom = static_cast<float>(box.bottom);
  AxisWeights columns(image.width, left, right, width, wanted.left, wanted.left + wanted.width, filter);
  AxisWeights rows(image.height, top, bottom, height, wanted.top, wanted.top + wanted.height, filter);
  const pixels::Kernels& kernels = pixels::best_kernels();
  const int64_t first_row = rows.begin();
  const auto row_bytes = static_cast<int64_t>(image.width) * image.channels;
  Image across = blank(image.channels, rows.end() - rows.begin(), wanted.width);
  std::vector<int16_t> scratch(static_cast<std::size_t>(pixels::scratch_size(columns.view())));
  kernels.resample_rows(image.pixels.data() + first_row * row_bytes, across.height, image.width, image.channels,
                        columns.view(), scratch.data(), across.pixels.data());
  rows.start_at_zero();
  Image out = blank(image.channels, wanted.height, wanted.width);
  kernels.resample_columns(across.pixels.data(), static_cast<int64_t>(wanted.width) * image.channels, rows.view(),
                           out.pixels.data());
  return out;
}

Box whole(const Image& image) { return {0, 0, static_cast<double>(image.width), static_cast<double>(image.height)}; }

}  // namespace

Image resize(const Image& image, int height, int width, Filter filter, std::optional<Box> box) {
  if (height == image.height && width == image.width && (!box || *box == whole(image))) return image;
  return resample(image, height, width, filter, box.value_or(whole(image)), {0, 0, height, width});
}

std::pair<int, int> shorter_side_size(int height, int width, int size) {
  const int shorter = std::min(height, width), longer = std::max(height, width);
  const double length = static_cast<double>(int64_t{size} * longer) / shorter;
  if (length > INT32_MAX)
    fail_data("a picture of ", width, "x", height, " is too long to be resized to a shorter side of ", size);
  const int long_side = static_cast<int>(length);
  return height <= width ? std::pair(size, long_side) : std::pair(long_side, size);
}

Image resize_shorter_side(const Image& image, int size, Filter filter, const ImageLimits& limits) {
  const auto [height, width] = shorter_side_size(image.height, image.width, size);
  if (int64_t{height} * width > limits.pixels)
    fail_data("a picture of ", image.width, "x", image.height, " resized to a shorter side of ", size,
              " would have more than the limit of ", limits.pixels, " pixels");
  return resize(image, height, width, filter);
}

Image resize_and_centre_crop(const Image& image, int size, int height, int width, Filter filter) {
  const auto [full_height, full_width] = shorter_side_size(image.height, image.width, size);
  const Rectangle window = centre_window(full_height, full_width, height, width);
  if (full_height == image.height && full_width == image.width) return crop(image, window);
  const int top = std::max(window.top, 0), left = std::max(window.left, 0);
  const Rectangle inside{top, left, std::min(window.top + height, full_height) - top,
                         std::min(window.left + width, full_width) - left};
  Image part = resample(image, full_height, full_width, filter, whole(image), inside);
  if (inside == window) return part;
  return crop(part, {window.top - top, window.left - left, height, width});
}

Rectangle centre_window(int height, int width, int crop_height, int crop_width) {
  const auto start = [](int size, int wanted) {
    if (wanted > size) return -((wanted - size) / 2);
    return static_cast<int>(std::nearbyint((size - wanted) / 2.0));
  };
  return {start(height, crop_height), start(width, crop_width), crop_height, crop_width};
}

Image centre_crop(const Image& image, int height, int width) {
  return crop(image, centre_window(image.height, image.width, height, width));
}

Image crop(const Image& image, const Rectangle& window) {
  Image out = blank(image.channels, window.height, window.width);
  const int top = std::max(window.top, 0), bottom = std::min(window.top + window.height, image.height);
  const int left = std::max(window.left, 0), right = std::min(window.left + window.width, image.width);
  if (left >= right) return out;
  const auto channels = static_cast<std::size_t>(image.channels);
  const auto at = [channels](const Image& of, int y, int x) {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(of.width) + static_cast<std::size_t>(x)) * channels;
  };
  for (int y = top; y < bottom; ++y)
    std::memcpy(out.pixels.data() + at(out, y - window.top, left - window.left),
                image.pixels.data() + at(image, y, left), static_cast<std::size_t>(right - left) * channels);
  return out;
}

}  // namespace resnet
