// Files made by hand, byte by byte, that no honest program writes: zip archives and pickles for the tests of readers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::test {

/// Little-endian, `count` bytes.
inline std::string number(uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

inline uint32_t crc32_of(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

struct ZipItem {
  std::string name, bytes;
  uint16_t method = 0;
  uint64_t size = 0;      // after unpacking; 0: that of the bytes
  uint32_t checksum = 0;  // 0: that of the bytes
  int64_t header = -1;    // position that the directory claims; -1: the true one
};

/// An archive of these items, stored as they are.
inline std::string zip_of(const std::vector<ZipItem>& items) {
  std::string file, directory;
  for (const ZipItem& item : items) {
    const uint64_t size = item.size ? item.size : item.bytes.size();
    const uint32_t checksum = item.checksum ? item.checksum : crc32_of(item.bytes);
    const std::string sizes = number(checksum, 4) + number(item.bytes.size(), 4) + number(size, 4);
    const uint64_t header = item.header >= 0 ? static_cast<uint64_t>(item.header) : file.size();
    file += number(0x04034b50, 4) + number(20, 2) + number(0, 2) + number(item.method, 2) + number(0, 4) + sizes +
            number(item.name.size(), 2) + number(0, 2) + item.name + item.bytes;
    directory += number(0x02014b50, 4) + number(20, 2) + number(20, 2) + number(0, 2) + number(item.method, 2) +
                 number(0, 4) + sizes + number(item.name.size(), 2) + number(0, 2) + number(0, 2) + number(0, 2) +
                 number(0, 2) + number(0, 4) + number(header, 4) + item.name;
  }
  return file + directory + number(0x06054b50, 4) + number(0, 4) + number(items.size(), 2) + number(items.size(), 2) +
         number(directory.size(), 4) + number(file.size(), 4) + number(0, 2);
}

// --- pickles, protocol 2 ---

inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string text(const std::string& value) { return "X" + number(value.size(), 4) + value; }
inline std::string integer(uint32_t value) { return "J" + number(value, 4); }
inline std::string tuple(const std::vector<std::string>& items) {
  std::string bytes = "(";
  for (const std::string& item : items) bytes += item;
  return bytes + "t";
}
inline std::string call(const std::string& callee, const std::vector<std::string>& arguments) {
  return callee + tuple(arguments) + "R";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string bytes = "}(";
  for (const auto& [key, value] : items) bytes += text(key) + value;
  return bytes + "u";
}
inline std::string pickle(const std::string& value) { return "\x80\x02" + value + "."; }

/// persistent_load(('storage', torch.TYPEStorage, KEY, 'cpu', ELEMENTS))
inline std::string storage(uint32_t elements, const std::string& key = "0", const std::string& type = "FloatStorage") {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(elements)}) + "Q";
}
inline std::string tensor(const std::string& storage_bytes, uint32_t offset, const std::vector<uint32_t>& shape,
                          const std::vector<uint32_t>& strides) {
  std::vector<std::string> extents, steps;
  for (const uint32_t extent : shape) extents.push_back(integer(extent));
  for (const uint32_t stride : strides) steps.push_back(integer(stride));
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage_bytes, integer(offset), tuple(extents), tuple(steps), "\x89", "N"});
}

/// A PyTorch file of the zip kind with one storage "0" of `storage_bytes`.
inline std::string pytorch_zip(const std::string& value, const std::string& storage_bytes) {
  return zip_of({{.name = "a/data.pkl", .bytes = pickle(value)}, {.name = "a/data/0", .bytes = storage_bytes}});
}

}  // namespace resnet::test
