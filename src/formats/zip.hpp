// Zip archives, as torch.save writes them: read from their central directory, entry by entry, with the sizes checked
// before memory is taken. An own reader (stored and deflated entries, zip64; the inflating is zlib's), because an
// archive library would decide about limits and names itself; nothing is ever written to disk.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

struct ZipLimits {
  uint64_t entries = 1 << 17;
  uint64_t directory_bytes = uint64_t{64} << 20;
};

struct ZipEntry {
  std::string name;
  uint16_t method = 0;  // 0: stored, 8: deflated
  uint32_t checksum = 0;
  uint64_t packed = 0, size = 0;  // bytes in the archive and after unpacking
  uint64_t header = 0;            // position of its local header
};

class ZipArchive {
 public:
  /// Reads the directory; the stream must be seekable and outlive this. Error (bad model): no zip archive, truncated,
  /// several disks, encrypted entries, names that leave the archive ("../x", "/x") or occur twice, entries outside the
  /// file or over one another, sizes that no deflated data can have, above a limit.
  explicit ZipArchive(std::istream& stream, const ZipLimits& limits = {});

  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// None if there is no such entry.
  const ZipEntry* find(std::string_view name) const;
  /// The unpacked bytes. Error (bad model): larger than `most`, another method, damaged data or a wrong checksum.
  std::string read(const ZipEntry& entry, uint64_t most) const;
  /// Of the whole file.
  uint64_t bytes() const { return file_bytes_; }

 private:
  std::istream& stream_;
  uint64_t file_bytes_ = 0;
  std::vector<ZipEntry> entries_;  // by name
};

}  // namespace resnet
