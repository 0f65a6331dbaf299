// Walking over a dense array in an order given by strides: what transposition, repetition, slices and padding have in
// common in both backends.
#pragma once

#include "base/shape.hpp"

#include <array>
#include <cstdint>

namespace resnet {

/// Distances in elements between neighbours along each axis.
using Strides = std::array<int64_t, Shape::max_rank>;

/// Of a row-major array.
inline Strides strides_of(const Shape& shape) {
  Strides strides{};
  int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/// Positions of another array that belong, in row-major order, to the elements of one of shape `shape`.
struct Walk {
  Shape shape;
  int64_t start = 0;
  Strides strides{};

  /// body(element, position) for the elements first .. end - 1.
  template <class Body>
  void each(int64_t first, int64_t end, const Body& body) const {
    std::array<int64_t, Shape::max_rank> index{};
    int64_t position = start;
    int64_t left = first;
    for (int axis = shape.rank() - 1; axis >= 0 && left > 0; --axis) {
      const auto at = static_cast<std::size_t>(axis);
      index[at] = left % shape[axis];
      left /= shape[axis];
      position += index[at] * strides[at];
    }
    for (int64_t element = first; element < end; ++element) {
      body(element, position);
      for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        const auto at = static_cast<std::size_t>(axis);
        position += strides[at];
        if (++index[at] < shape[axis]) break;
        position -= index[at] * strides[at];
        index[at] = 0;
      }
    }
  }
};

/// From the elements of y to those of x.
inline Walk transposed_walk(const Shape& x, const Shape& y, const Shape& order) {
  Walk walk{y};
  const Strides from = strides_of(x);
  for (int axis = 0; axis < y.rank(); ++axis)
    walk.strides[static_cast<std::size_t>(axis)] = from[static_cast<std::size_t>(order[axis])];
  return walk;
}

/// From the elements of `large` to those of `small`, which repeats along its axes of extent 1.
inline Walk repeated_walk(const Shape& small, const Shape& large) {
  Walk walk{large, 0, strides_of(small)};
  for (int axis = 0; axis < large.rank(); ++axis)
    if (small[axis] == 1) walk.strides[static_cast<std::size_t>(axis)] = 0;
  return walk;
}

/// From the elements of `small` to element begin + i * step of `large`.
inline Walk strided_walk(const Shape& small, const Shape& large, const Shape& begin, const Shape& step) {
  Walk walk{small, 0, strides_of(large)};
  for (int axis = 0; axis < small.rank(); ++axis) {
    int64_t& stride = walk.strides[static_cast<std::size_t>(axis)];
    walk.start += begin[axis] * stride;
    stride *= step[axis];
  }
  return walk;
}

}  // namespace resnet
