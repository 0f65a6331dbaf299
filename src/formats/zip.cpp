#include "formats/zip.hpp"

#include "base/error.hpp"
#include "models/excerpt.hpp"

#include <zlib.h>

#include <algorithm>
#include <istream>
#include <limits>
#include <optional>

namespace resnet {
namespace {

constexpr uint32_t local_mark = 0x04034b50, central_mark = 0x02014b50, end_mark = 0x06054b50;
constexpr uint32_t end64_mark = 0x06064b50, locator64_mark = 0x07064b50;
constexpr uint64_t local_size = 30, end_size = 22, locator64_size = 20, end64_size = 56;
constexpr uint16_t stored = 0, deflated = 8;

/// Little-endian fields of a piece of the file.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  uint64_t number(int count) {
    const std::string_view field = text(static_cast<uint64_t>(count));
    uint64_t value = 0;
    for (std::size_t i = 0; i < field.size(); ++i) value |= uint64_t{static_cast<uint8_t>(field[i])} << (8 * i);
    return value;
  }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  std::string_view text(uint64_t length) {
    if (length > bytes_.size()) fail_model("zip: truncated, or a length leaves its record");
    const std::string_view result = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return result;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

/// `length` bytes at `position`, both already known to lie inside the file.
std::string piece(std::istream& stream, uint64_t position, uint64_t length) {
  std::string bytes(length, '\0');
  stream.clear();
  stream.seekg(static_cast<std::streamoff>(position));
  stream.read(bytes.data(), static_cast<std::streamsize>(length));
  if (!stream) fail_model("zip: truncated, or reading failed");
  return bytes;
}

uint64_t size_of_stream(std::istream& stream) {
  stream.seekg(0, std::ios::end);
  const auto size = static_cast<int64_t>(stream.tellg());
  if (!stream || size < 0) fail_model("cannot be read from start to end");
  return static_cast<uint64_t>(size);
}

struct Directory {
  uint64_t entries = 0, bytes = 0, position = 0;
};

/// The record at the very end, before a comment of at most 65,535 bytes.
uint64_t end_position(std::istream& stream, uint64_t size) {
  if (size < end_size) fail_model("zip: only ", size, " bytes");
  const uint64_t tail_bytes = std::min<uint64_t>(size, end_size + 0xffff);
  const std::string tail = piece(stream, size - tail_bytes, tail_bytes);
  for (std::size_t at = tail.size() - end_size + 1; at-- > 0;)
    if (Fields(std::string_view(tail).substr(at)).u32() == end_mark) return size - tail_bytes + at;
  fail_model("zip: no directory at the end (truncated?)");
}

/// Where zip64 keeps what 32 bits cannot hold; none if the archive has no such record.
std::optional<Directory> directory64(std::istream& stream, uint64_t end) {
  if (end < locator64_size) return std::nullopt;
  const std::string record = piece(stream, end - locator64_size, locator64_size);
  Fields fields(record);
  if (fields.u32() != locator64_mark) return std::nullopt;
  fields.text(4);
  const uint64_t position = fields.u64();
  if (position > end || end - position < end64_size) fail_model("zip: its zip64 directory lies outside the file");
  const std::string found = piece(stream, position, end64_size);
  Fields end64(found);
  if (end64.u32() != end64_mark) fail_model("zip: malformed zip64 directory");
  end64.text(28);
  Directory directory;
  directory.entries = end64.u64();
  directory.bytes = end64.u64();
  directory.position = end64.u64();
  return directory;
}

Directory find_directory(std::istream& stream, uint64_t size) {
  const uint64_t end = end_position(stream, size);
  Directory directory;
  if (const std::optional<Directory> large = directory64(stream, end)) {
    directory = *large;
  } else {
    const std::string record = piece(stream, end, end_size);
    Fields fields(record);
    fields.text(4);
    const uint16_t disk = fields.u16(), first_disk = fields.u16(), here = fields.u16();
    directory.entries = fields.u16();
    if (disk != 0 || first_disk != 0 || here != directory.entries) fail_model("zip: archives of several disks");
    directory.bytes = fields.u32();
    directory.position = fields.u32();
  }
  if (directory.position > end || directory.bytes > end - directory.position)
    fail_model("zip: the directory lies outside the file");
  return directory;
}

/// The 64-bit numbers of an entry whose 32-bit fields are full.
void widen(ZipEntry& entry, std::string_view extra) {
  constexpr uint32_t full = std::numeric_limits<uint32_t>::max();
  constexpr uint16_t zip64 = 1;
  Fields fields(extra);
  while (!fields.empty()) {
    const uint16_t kind = fields.u16();
    Fields field(fields.text(fields.u16()));
    if (kind != zip64) continue;
    for (uint64_t* number : {&entry.size, &entry.packed, &entry.header})
      if (*number == full) *number = field.u64();
  }
}

/// A name such as "../x" or "/etc/x" would leave the folder into which somebody unpacks.
bool leaves_archive(std::string_view name) {
  if (name.starts_with('/') || name.find('\\') != std::string_view::npos || name.find(':') != std::string_view::npos)
    return true;
  const std::string path = "/" + std::string(name) + "/";
  return path.find("/../") != std::string::npos;
}

void check(const ZipEntry& entry, uint16_t flags, uint64_t directory) {
  const auto refuse = [&](const auto&... what) { fail_model("zip: entry '", excerpt(entry.name), "' ", what...); };
  // The best that deflate can do is 1032 bytes for one (zlib's documentation); 64 bytes are for tiny entries.
  constexpr uint64_t best_ratio = 1032, slack = 64;
  if (flags & 1) refuse("is encrypted");
  if (leaves_archive(entry.name)) refuse("has a name that leaves the archive");
  if (entry.header > directory || directory - entry.header < local_size || entry.packed > directory - entry.header)
    refuse("lies outside the file");
  if (entry.method == stored && entry.packed != entry.size) refuse("is stored but has two sizes");
  if (entry.method == deflated && entry.packed < (entry.size / best_ratio) - std::min(entry.size / best_ratio, slack))
    refuse("claims ", entry.size, " bytes from ", entry.packed, ", more than deflate can pack");
}

ZipEntry read_entry(Fields& fields, uint64_t directory) {
  if (fields.u32() != central_mark) fail_model("zip: malformed directory");
  fields.text(4);
  const uint16_t flags = fields.u16();
  ZipEntry entry;
  entry.method = fields.u16();
  fields.text(4);
  entry.checksum = fields.u32();
  entry.packed = fields.u32();
  entry.size = fields.u32();
  const uint16_t name = fields.u16(), extra = fields.u16(), comment = fields.u16();
  fields.text(8);
  entry.header = fields.u32();
  entry.name = std::string(fields.text(name));
  widen(entry, fields.text(extra));
  fields.text(comment);
  check(entry, flags, directory);
  return entry;
}

void expect_apart(const std::vector<ZipEntry>& entries) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const ZipEntry& entry : entries) ranges.emplace_back(entry.header, entry.header + local_size + entry.packed);
  std::ranges::sort(ranges);
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first < ranges[i - 1].second) fail_model("zip: entries overlap, as in a zip bomb");
}

std::string inflated(const std::string& packed, const ZipEntry& entry) {
  std::string bytes(entry.size, '\0');
  z_stream z{};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK) fail_model("zip: zlib has no memory");
  constexpr uint64_t most = std::numeric_limits<uInt>::max();
  uint64_t in = 0, out = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + in));
    z.avail_in = static_cast<uInt>(std::min<uint64_t>(most, packed.size() - in));
    z.next_out = reinterpret_cast<Bytef*>(bytes.data() + out);
    z.avail_out = static_cast<uInt>(std::min<uint64_t>(most, bytes.size() - out));
    const uInt given = z.avail_in, room = z.avail_out;
    status = inflate(&z, Z_NO_FLUSH);
    in += given - z.avail_in;
    out += room - z.avail_out;
    if (status == Z_OK && given == z.avail_in && room == z.avail_out) status = Z_BUF_ERROR;
  }
  inflateEnd(&z);
  if (status != Z_STREAM_END || out != entry.size) fail_model("zip: entry '", excerpt(entry.name), "' is damaged");
  return bytes;
}

}  // namespace

ZipArchive::ZipArchive(std::istream& stream, const ZipLimits& limits) : stream_(stream) {
  file_bytes_ = size_of_stream(stream);
  const Directory directory = find_directory(stream, file_bytes_);
  if (directory.entries > limits.entries || directory.bytes > limits.directory_bytes)
    fail_model("zip: a directory of ", directory.entries, " entries is above the limit of ", limits.entries);
  const std::string bytes = piece(stream, directory.position, directory.bytes);
  Fields fields(bytes);
  for (uint64_t i = 0; i < directory.entries; ++i) entries_.push_back(read_entry(fields, directory.position));
  expect_apart(entries_);
  std::ranges::sort(entries_, {}, &ZipEntry::name);
  const auto twice = std::ranges::adjacent_find(entries_, {}, &ZipEntry::name);
  if (twice != entries_.end()) fail_model("zip: entry '", excerpt(twice->name), "' is there twice");
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(entries_, name, {}, &ZipEntry::name);
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

std::string ZipArchive::read(const ZipEntry& entry, uint64_t most) const {
  if (entry.size > most)
    fail_model("zip: entry '", excerpt(entry.name), "' of ", entry.size, " bytes is above the limit of ", most);
  if (entry.method != stored && entry.method != deflated)
    fail_model("zip: entry '", excerpt(entry.name), "' is packed by method ", entry.method, "; 0 and 8 are supported");
  const std::string header = piece(stream_, entry.header, local_size);
  Fields fields(header);
  if (fields.u32() != local_mark) fail_model("zip: entry '", excerpt(entry.name), "' has no header");
  fields.text(22);
  const uint64_t name = fields.u16(), start = entry.header + local_size + name + fields.u16();
  if (start > file_bytes_ || entry.packed > file_bytes_ - start)
    fail_model("zip: entry '", excerpt(entry.name), "' leaves the file");
  std::string bytes = piece(stream_, start, entry.packed);
  if (entry.method == deflated) bytes = inflated(bytes, entry);
  if (crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != entry.checksum)
    fail_model("zip: entry '", excerpt(entry.name), "' does not have its checksum: the file is damaged");
  return bytes;
}

}  // namespace resnet
