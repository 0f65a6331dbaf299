#include "data/cache_file.hpp"

#include "data/split.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace resnet {
namespace {

constexpr uint64_t magic = 0x3165686361436e52;  // "RnCache1"

struct Trailer {
  uint64_t magic_number = magic;
  uint64_t count = 0;
  uint64_t index = 0;  // offset of the entries
  uint64_t index_hash = 0;
};

uint64_t hash_of(std::span<const CacheEntry> entries) {
  return content_hash({reinterpret_cast<const uint8_t*>(entries.data()), entries.size_bytes()}, 0);
}

template <class T>
std::string_view bytes_of(std::span<const T> items) {
  return {reinterpret_cast<const char*>(items.data()), items.size_bytes()};
}

constexpr auto by_key = [](const CacheEntry& a, const CacheEntry& b) { return a.key < b.key; };

}  // namespace

std::shared_ptr<const CacheFile> CacheFile::open(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  struct stat status {};
  void* bytes = MAP_FAILED;
  const bool large_enough = ::fstat(descriptor, &status) == 0 && status.st_size >= off_t{sizeof(Trailer)};
  if (large_enough)
    bytes = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  if (bytes == MAP_FAILED) return nullptr;
  const std::shared_ptr<CacheFile> file(
      new CacheFile(static_cast<const std::byte*>(bytes), static_cast<std::size_t>(status.st_size)));
  return file->read_index() ? file : nullptr;
}

CacheFile::~CacheFile() { ::munmap(const_cast<std::byte*>(bytes_), size_); }

bool CacheFile::read_index() {
  Trailer trailer;
  const std::size_t before = size_ - sizeof trailer;
  std::memcpy(&trailer, bytes_ + before, sizeof trailer);
  if (trailer.magic_number != magic || trailer.index > before ||
      trailer.count != (before - trailer.index) / sizeof(CacheEntry) ||
      (before - trailer.index) % sizeof(CacheEntry) != 0)
    return false;
  entries_.resize(trailer.count);
  if (trailer.count > 0) std::memcpy(entries_.data(), bytes_ + trailer.index, before - trailer.index);
  if (hash_of(entries_) != trailer.index_hash || !std::is_sorted(entries_.begin(), entries_.end(), by_key))
    return false;
  const auto inside = [&](const CacheEntry& entry) {
    constexpr int32_t largest_side = 1 << 20;
    return entry.height >= 0 && entry.width >= 0 && entry.height <= largest_side && entry.width <= largest_side &&
           (entry.channels == 1 || entry.channels == 3) && entry.offset <= trailer.index &&
           entry.bytes() <= trailer.index - entry.offset;
  };
  if (!std::ranges::all_of(entries_, inside)) return false;
  checked_ = std::make_unique<std::atomic<uint8_t>[]>(entries_.size());
  return true;
}

const CacheEntry* CacheFile::find(uint64_t key) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), CacheEntry{.key = key}, by_key);
  return found != entries_.end() && found->key == key ? &*found : nullptr;
}

std::optional<std::span<const uint8_t>> CacheFile::pixels(const CacheEntry& entry) const {
  const std::span<const uint8_t> pixels(reinterpret_cast<const uint8_t*>(bytes_ + entry.offset), entry.bytes());
  std::atomic<uint8_t>& checked = checked_[static_cast<std::size_t>(&entry - entries_.data())];
  if (checked == 0) checked = content_hash(pixels, 0) == entry.pixels ? 1 : 2;
  return checked == 1 ? std::optional(pixels) : std::nullopt;
}

void CacheWriter::add(uint64_t key, const Image& image) {
  entries_.push_back({.key = key,
                      .offset = at_,
                      .pixels = content_hash(image.pixels, 0),
                      .height = image.height,
                      .width = image.width,
                      .channels = image.channels});
  file_.write(bytes_of(std::span<const uint8_t>(image.pixels)));
  at_ += image.pixels.size();
}

void CacheWriter::commit() {
  std::stable_sort(entries_.begin(), entries_.end(), by_key);
  const Trailer trailer{.count = entries_.size(), .index = at_, .index_hash = hash_of(entries_)};
  file_.write(bytes_of(std::span<const CacheEntry>(entries_)));
  file_.write(bytes_of(std::span<const Trailer>(&trailer, 1)));
  file_.commit();
}

}  // namespace resnet
