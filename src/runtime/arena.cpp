#include "runtime/arena.hpp"

#include "base/tensor.hpp"

#include <sys/mman.h>

#include <cstring>
#include <new>
#include <utility>

namespace resnet {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes >= 2 * huge_page ? huge_page : buffer_alignment};
}

}  // namespace

Arena::Arena(std::size_t bytes)
    : memory_(static_cast<std::byte*>(::operator new(bytes, alignment_of(bytes)))), bytes_(bytes) {
  // Advice only: where the system has none to give, small pages do.
  if (bytes >= 2 * huge_page) madvise(memory_, bytes / huge_page * huge_page, MADV_HUGEPAGE);
  std::memset(memory_, 0, bytes);
}

Arena::~Arena() {
  if (memory_) ::operator delete(memory_, alignment_of(bytes_));
}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace resnet
