// The bytes of one pickle, counted against a limit before memory is taken for them.
#pragma once

#include "base/error.hpp"

#include <algorithm>
#include <cstdint>
#include <istream>
#include <string>

namespace resnet {

class PickleBytes {
 public:
  PickleBytes(std::istream& stream, uint64_t limit) : stream_(stream), left_(limit) {}

  uint8_t byte() {
    spend(1);
    const int got = stream_.get();
    if (got < 0) fail_model("pickle: truncated");
    return static_cast<uint8_t>(got);
  }

  /// Little-endian, `count` bytes of it.
  uint64_t number(int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= uint64_t{byte()} << (8 * i);
    return value;
  }

  /// Memory grows with what was read, not with what the file claims.
  std::string text(uint64_t length) {
    spend(length);
    std::string result;
    constexpr uint64_t chunk = 1 << 16;
    while (result.size() < length) {
      const std::size_t before = result.size();
      result.resize(before + std::min<uint64_t>(chunk, length - before));
      stream_.read(result.data() + before, static_cast<std::streamsize>(result.size() - before));
      if (!stream_) fail_model("pickle: truncated");
    }
    return result;
  }

  std::string line() {
    std::string result;
    for (uint8_t c = byte(); c != '\n'; c = byte()) result += static_cast<char>(c);
    return result;
  }

 private:
  void spend(uint64_t count) {
    if (count > left_) fail_model("pickle: longer than the limit, or it claims a length beyond it");
    left_ -= count;
  }

  std::istream& stream_;
  uint64_t left_;
};

}  // namespace resnet
