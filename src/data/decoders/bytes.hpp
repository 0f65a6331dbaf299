// Numbers out of untrusted bytes, each access checked.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace resnet::decoders {

/// A view of bytes. Reading past the end is an Error (bad data); `slice` and `starts_with` never fail.
class Bytes {
 public:
  Bytes() = default;
  Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t size() const { return bytes_.size(); }
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(bytes_.data()); }

  uint8_t u8(uint64_t at) const { return data()[checked(at, 1)]; }
  uint16_t u16_little(uint64_t at) const { return static_cast<uint16_t>(u8(at) | u8(at + 1) << 8); }
  uint16_t u16_big(uint64_t at) const { return static_cast<uint16_t>(u8(at) << 8 | u8(at + 1)); }
  uint32_t u32_little(uint64_t at) const { return u16_little(at) | uint32_t{u16_little(at + 2)} << 16; }
  uint32_t u32_big(uint64_t at) const { return uint32_t{u16_big(at)} << 16 | u16_big(at + 2); }

  /// The part of [at, at + count) that exists.
  Bytes slice(uint64_t at, uint64_t count = UINT64_MAX) const {
    if (at >= size()) return {};
    return bytes_.subspan(at, count < size() - at ? count : size() - at);
  }
  /// `count` bytes, all of them there.
  const uint8_t* range(uint64_t at, uint64_t count) const { return data() + checked(at, count); }

  bool starts_with(std::string_view text, uint64_t at = 0) const {
    const Bytes part = slice(at, text.size());
    return std::string_view(reinterpret_cast<const char*>(part.data()), part.size()) == text;
  }

 private:
  uint64_t checked(uint64_t at, uint64_t count) const {
    if (at > size() || count > size() - at)
      fail_data("is cut short: ", size(), " bytes where at least ", at > UINT64_MAX - count ? at : at + count,
                " are needed");
    return at;
  }

  std::span<const std::byte> bytes_;
};

}  // namespace resnet::decoders
