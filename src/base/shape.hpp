// The extent of a value along each axis. Images are logical NCHW whatever layout a backend stores them in.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace resnet {

class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) {
    for (int64_t extent : extents) append(extent);
  }

  int rank() const { return rank_; }
  int64_t operator[](int axis) const {
    assert(axis >= 0 && axis < rank_);
    return extents_[static_cast<std::size_t>(axis)];
  }
  int64_t& operator[](int axis) {
    assert(axis >= 0 && axis < rank_);
    return extents_[static_cast<std::size_t>(axis)];
  }
  void append(int64_t extent) {
    assert(rank_ < max_rank);
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }

  // The axes of a batch of images; a matrix [N, C] has h = w = 1.
  int64_t n() const { return rank_ > 0 ? extents_[0] : 1; }
  int64_t c() const { return rank_ > 1 ? extents_[1] : 1; }
  int64_t h() const { return rank_ > 2 ? extents_[2] : 1; }
  int64_t w() const { return rank_ > 3 ? extents_[3] : 1; }

  /// Product of the extents; 1 for a scalar (rank 0).
  int64_t elements() const {
    int64_t product = 1;
    for (int axis = 0; axis < rank_; ++axis) product *= (*this)[axis];
    return product;
  }

  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }

  /// Axes beyond the rank are always zero, so member-wise comparison is exact.
  bool operator==(const Shape&) const = default;

 private:
  std::array<int64_t, max_rank> extents_{};
  int rank_ = 0;
};

/// "[8x16x32x32]"
inline std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (axis > 0) text += 'x';
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

}  // namespace resnet

template <>
struct fmt::formatter<resnet::Shape> : fmt::formatter<std::string> {
  auto format(const resnet::Shape& shape, format_context& context) const {
    return formatter<std::string>::format(resnet::to_string(shape), context);
  }
};
