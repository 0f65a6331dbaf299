// A dense row-major array on the host: the canonical form of weights, inputs and results.
#pragma once

#include "base/dtype.hpp"
#include "base/shape.hpp"

#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

namespace resnet {

/// Buffers start on a cache line, which the vector kernels rely on.
inline constexpr std::size_t buffer_alignment = 64;

template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{buffer_alignment}));
  }
  void deallocate(T* pointer, std::size_t) { ::operator delete (pointer, std::align_val_t{buffer_alignment}); }
  bool operator==(const AlignedAllocator&) const { return true; }
};

using AlignedBytes = std::vector<std::byte, AlignedAllocator<std::byte>>;

class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled.
  explicit Tensor(Shape shape, DType dtype = DType::f32)
      : shape_(shape), dtype_(dtype), bytes_(static_cast<std::size_t>(shape.elements()) * size_of(dtype)) {}

  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  int64_t elements() const { return shape_.elements(); }
  std::span<std::byte> bytes() { return bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }

  /// The elements; T must be the tensor's type.
  template <class T>
  std::span<T> data() {
    assert(dtype_of<T> == dtype_);
    return {reinterpret_cast<T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  template <class T>
  std::span<const T> data() const {
    assert(dtype_of<T> == dtype_);
    return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }

 private:
  Shape shape_;
  DType dtype_ = DType::f32;
  AlignedBytes bytes_;
};

/// A copy with every element converted to `dtype` (between f32, f64, i32 and i64).
Tensor convert(const Tensor& tensor, DType dtype);

}  // namespace resnet
