// Python's pickle format as data. A pickle is a program for a stack machine that may call any function of Python; this
// machine calls none. It builds plain containers, and writes every call down as a call: the name of the global and its
// arguments. Whoever reads the result decides which names it knows.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// An index into Pickle::values; values may be shared and, in a hostile file, contain themselves.
using PickleRef = uint32_t;

enum class PickleKind : uint8_t { none, boolean, integer, real, text, bytes, list, tuple, set, dict, global, call, id };

struct PickleValue {
  PickleKind kind = PickleKind::none;
  int64_t integer = 0;  // of booleans too; numbers beyond 64 bits become `text`
  double real = 0;
  std::string text = {};  // of text and bytes; "module.name" of a global
  /// list, tuple, set: the items. dict: key, value, key, value, ... in the order of insertion. call: the callee, then
  /// the arguments. id: one item, what a persistent id says.
  std::vector<PickleRef> items = {};
};

/// What a reader accepts at most.
struct PickleLimits {
  uint64_t bytes = uint64_t{64} << 20;
  uint64_t values = 8 << 20;  // objects, and items that containers receive
};

struct Pickle {
  std::vector<PickleValue> values;
  PickleRef root = 0;

  const PickleValue& operator[](PickleRef ref) const { return values[ref]; }
};

/// Reads one pickle of protocol 0 to 5 and leaves the stream behind its end. Time and memory grow with its bytes only.
/// Error (bad model): truncated, malformed, an opcode that needs outside objects (extension registry, out-of-band
/// buffers), above a limit.
Pickle read_pickle(std::istream& stream, const PickleLimits& limits = {});

/// The value under a text key of a dict; none if it is no dict or has no such key.
const PickleValue* find_key(const Pickle& pickle, const PickleValue& dict, std::string_view key);

}  // namespace resnet
