// The memory of a program's buffers.
#pragma once

#include <cstddef>

namespace resnet {

/// Zero-filled memory that starts on a cache line. From 4 MiB on it starts on a page of 2 MiB and asks the system for
/// such pages: kernels that step over whole images would miss the translation of nearly every address otherwise.
class Arena {
 public:
  Arena() = default;
  /// Error: std::bad_alloc.
  explicit Arena(std::size_t bytes);
  ~Arena();
  Arena(Arena&& other) noexcept : memory_(other.memory_), bytes_(other.bytes_) { other.memory_ = nullptr; }
  Arena& operator=(Arena&& other) noexcept;

  std::byte* data() const { return memory_; }

 private:
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace resnet
