// Protocol buffers' wire format, as far as ONNX needs it: fields one after the other, each a number, eight or four
// bytes, or a run of bytes. Nothing is copied; nested messages are views.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// One field of a message. Which member holds its value follows from `wire`.
struct ProtobufField {
  uint32_t number = 0;
  uint8_t wire = 0;  // 0: varint, 1: eight bytes, 2: bytes, 5: four bytes
  uint64_t varint = 0;
  std::string_view bytes = {};  // of wires 1, 2 and 5
};

/// Walks over the fields of one message.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) : left_(message) {}

  /// False at the end. Error (bad model): truncated, or a wire type that does not exist.
  bool next(ProtobufField& field) {
    if (left_.empty()) return false;
    const uint64_t key = varint();
    field = {.number = static_cast<uint32_t>(key >> 3), .wire = static_cast<uint8_t>(key & 7)};
    if (field.number == 0 || key >> 32 != 0) fail_model("protobuf: malformed field number");
    switch (field.wire) {
      case 0: field.varint = varint(); return true;
      case 1: field.bytes = take(8); return true;
      case 2: field.bytes = take(varint()); return true;
      case 5: field.bytes = take(4); return true;
      default: fail_model("protobuf: malformed, wire type ", static_cast<int>(field.wire));
    }
  }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (!(byte & 0x80)) return value;
    }
    fail_model("protobuf: malformed number");
  }
  std::string_view take(uint64_t count) {
    if (count > left_.size()) fail_model("protobuf: truncated, or a length leaves its message");
    const std::string_view bytes = left_.substr(0, count);
    left_.remove_prefix(count);
    return bytes;
  }

  std::string_view left_;
};

/// The bytes of a field of wire type 2. Error (bad model): it is of another.
inline std::string_view bytes_of(const ProtobufField& field) {
  if (field.wire != 2) fail_model("protobuf: field ", field.number, " is not of the expected kind");
  return field.bytes;
}
inline int64_t integer_of(const ProtobufField& field) {
  if (field.wire != 0) fail_model("protobuf: field ", field.number, " is not of the expected kind");
  return static_cast<int64_t>(field.varint);
}
inline float float_of(const ProtobufField& field) {
  if (field.wire != 5) fail_model("protobuf: field ", field.number, " is not of the expected kind");
  float value;
  std::memcpy(&value, field.bytes.data(), sizeof value);
  return value;
}

/// Appends the numbers of a repeated field, packed or one by one.
inline void append_integers(const ProtobufField& field, std::vector<int64_t>& to) {
  if (field.wire == 0) return to.push_back(static_cast<int64_t>(field.varint));
  for (std::string_view left = bytes_of(field); !left.empty();) {
    uint64_t value = 0;
    int shift = 0;
    for (;; shift += 7) {
      if (left.empty() || shift > 63) fail_model("protobuf: malformed packed numbers");
      const auto byte = static_cast<uint8_t>(left.front());
      left.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (!(byte & 0x80)) break;
    }
    to.push_back(static_cast<int64_t>(value));
  }
}
template <class T>
void append_fixed(const ProtobufField& field, std::vector<T>& to) {
  if (field.wire == 0 || field.bytes.size() % sizeof(T) != 0) fail_model("protobuf: malformed packed numbers");
  const std::size_t before = to.size(), count = field.bytes.size() / sizeof(T);
  if (count == 0) return;
  to.resize(before + count);
  std::memcpy(to.data() + before, field.bytes.data(), count * sizeof(T));
}

/// Writes messages: fields are appended to a string, a nested message is written as bytes.
class ProtobufWriter {
 public:
  void integer(uint32_t number, int64_t value) {
    key(number, 0);
    varint(static_cast<uint64_t>(value));
  }
  void real(uint32_t number, float value) {
    key(number, 5);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    text_.append(bytes, sizeof value);
  }
  void bytes(uint32_t number, std::string_view value) {
    key(number, 2);
    varint(value.size());
    text_ += value;
  }
  void message(uint32_t number, const ProtobufWriter& value) { bytes(number, value.text_); }
  const std::string& text() const { return text_; }

 private:
  void key(uint32_t number, uint8_t wire) { varint(uint64_t{number} << 3 | wire); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }

  std::string text_;
};

}  // namespace resnet
