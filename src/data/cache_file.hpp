// The file of a cache: pixels one after the other, then an index sorted by key, then a trailer of fixed size. It is
// checked when it is opened and again, entry by entry, when pixels are first used.
#pragma once

#include "base/files.hpp"
#include "data/image.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace resnet {

/// One photo. height 0: it cannot be decoded, which is not tried again.
struct CacheEntry {
  uint64_t key = 0;  // Dataset::hash
  uint64_t offset = 0;
  uint64_t pixels = 0;  // hash of the pixels
  int32_t height = 0, width = 0, channels = 0, unused = 0;

  uint64_t bytes() const { return uint64_t(height) * uint64_t(width) * uint64_t(channels); }
};

/// A cache that is open for reading; thread-safe.
class CacheFile {
 public:
  /// Null if there is no such file or it is not a whole cache of this version.
  static std::shared_ptr<const CacheFile> open(const fs::path& path);
  ~CacheFile();
  CacheFile(const CacheFile&) = delete;
  CacheFile& operator=(const CacheFile&) = delete;

  /// None if it is not in the cache.
  const CacheEntry* find(uint64_t key) const;
  /// The pixels of an entry, none if they are damaged.
  std::optional<std::span<const uint8_t>> pixels(const CacheEntry& entry) const;

 private:
  CacheFile(const std::byte* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  bool read_index();

  const std::byte* bytes_;
  std::size_t size_;
  std::vector<CacheEntry> entries_;
  mutable std::unique_ptr<std::atomic<uint8_t>[]> checked_;  // of each entry: 0 not yet, 1 good, 2 damaged
};

/// Writes a cache from its beginning to its end.
class CacheWriter {
 public:
  explicit CacheWriter(const fs::path& path) : file_(path) {}
  /// An image without pixels stands for one that cannot be decoded. Error: it cannot be written.
  void add(uint64_t key, const Image& image);
  void commit();
  uint64_t bytes() const { return at_; }

 private:
  AtomicFile file_;
  uint64_t at_ = 0;
  std::vector<CacheEntry> entries_;
};

}  // namespace resnet
