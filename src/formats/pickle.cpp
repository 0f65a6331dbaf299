#include "formats/pickle.hpp"

#include "base/error.hpp"
#include "formats/pickle_machine.hpp"
#include "models/excerpt.hpp"

#include <bit>
#include <charconv>
#include <unordered_map>
#include <utility>

namespace resnet {
namespace {

int64_t decimal(const std::string& line) {
  int64_t value = 0;
  const std::size_t length = line.size() - (line.ends_with('L') ? 1 : 0);
  const auto [end, error] = std::from_chars(line.data(), line.data() + length, value);
  if (error != std::errc() || end != line.data() + length)
    fail_model("pickle: '", excerpt(line), "' is not a whole number of 64 bits");
  return value;
}

uint64_t memo_key(const std::string& line) {
  const int64_t value = decimal(line);
  if (value < 0) fail_model("pickle: malformed, memo ", value);
  return static_cast<uint64_t>(value);
}

}  // namespace

bool PickleMachine::push_long(uint64_t length) {
  const std::string digits = bytes_.text(length);
  if (length > 8) return push_text("(a number of " + std::to_string(length) + " bytes)");
  uint64_t value = 0;
  for (std::size_t i = 0; i < length; ++i) value |= uint64_t{static_cast<uint8_t>(digits[i])} << (8 * i);
  if (length > 0 && length < 8 && (static_cast<uint8_t>(digits[length - 1]) & 0x80))
    value |= ~uint64_t{0} << (8 * length);
  return push_integer(static_cast<int64_t>(value));
}

bool PickleMachine::constant(uint8_t op) {
  switch (op) {
    case 'N': return push_new({});
    case 0x88:
    case 0x89: return push_new({.kind = PickleKind::boolean, .integer = op == 0x88});
    case 'J': return push_integer(static_cast<int32_t>(bytes_.number(4)));
    case 'K': return push_integer(static_cast<int64_t>(bytes_.number(1)));
    case 'M': return push_integer(static_cast<int64_t>(bytes_.number(2)));
    case 0x8a: return push_long(bytes_.number(1));
    case 0x8b: return push_long(bytes_.number(4));
    case 'G': {
      uint64_t bits = 0;  // the only big-endian number of the format
      for (int i = 0; i < 8; ++i) bits = bits << 8 | bytes_.byte();
      return push_new({.kind = PickleKind::real, .real = std::bit_cast<double>(bits)});
    }
    default: return old_number(op);
  }
}

bool PickleMachine::old_number(uint8_t op) {
  switch (op) {
    case 'I': {
      const std::string line = bytes_.line();
      if (line == "00" || line == "01") return push_new({.kind = PickleKind::boolean, .integer = line == "01"});
      return push_integer(decimal(line));
    }
    case 'L': return push_integer(decimal(bytes_.line()));
    case 'F': {
      const std::string line = bytes_.line();
      double value = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
      if (error != std::errc() || end != line.data() + line.size())
        fail_model("pickle: '", excerpt(line), "' is not a number");
      return push_new({.kind = PickleKind::real, .real = value});
    }
    default: return false;
  }
}

bool PickleMachine::text(uint8_t op) {
  switch (op) {
    case 'S': {
      std::string line = bytes_.line();
      if (line.size() >= 2 && (line.front() == '\'' || line.front() == '"') && line.back() == line.front())
        line = line.substr(1, line.size() - 2);
      return push_text(std::move(line));
    }
    case 'V': return push_text(bytes_.line());
    case 'U': return push_text(bytes_.text(bytes_.number(1)));
    case 'T': return push_text(bytes_.text(bytes_.number(4)));
    case 0x8c: return push_text(bytes_.text(bytes_.number(1)));
    case 'X': return push_text(bytes_.text(bytes_.number(4)));
    case 0x8d: return push_text(bytes_.text(bytes_.number(8)));
    case 'C': return push_text(bytes_.text(bytes_.number(1)), PickleKind::bytes);
    case 'B': return push_text(bytes_.text(bytes_.number(4)), PickleKind::bytes);
    case 0x8e:
    case 0x96: return push_text(bytes_.text(bytes_.number(8)), PickleKind::bytes);
    default: return false;
  }
}

bool PickleMachine::container(uint8_t op) {
  switch (op) {
    case ']': return push_items(PickleKind::list, {});
    case '}': return push_items(PickleKind::dict, {});
    case ')': return push_items(PickleKind::tuple, {});
    case 0x8f: return push_items(PickleKind::set, {});
    case 'l': return push_items(PickleKind::list, pop_to_mark());
    case 't': return push_items(PickleKind::tuple, pop_to_mark());
    case 0x91: return push_items(PickleKind::set, pop_to_mark());
    case 0x85:
    case 0x86:
    case 0x87: return push_items(PickleKind::tuple, popped(op - 0x84));
    case 'd': {
      const std::vector<PickleRef> items = pop_to_mark();
      push_items(PickleKind::dict, {});
      fill(top(), items);
      return true;
    }
    default: return false;
  }
}

/// Items of calls stay with them: an OrderedDict is filled after it was called into being.
void PickleMachine::fill(PickleRef target, const std::vector<PickleRef>& items) {
  spend(items.size());
  PickleValue& value = at(target);
  if (value.kind == PickleKind::dict && items.size() % 2 != 0) fail_model("pickle: malformed, a key without a value");
  const bool container = value.kind == PickleKind::list || value.kind == PickleKind::set ||
                         value.kind == PickleKind::dict || value.kind == PickleKind::call;
  if (!container) fail_model("pickle: malformed, items for what cannot hold any");
  value.items.insert(value.items.end(), items.begin(), items.end());
}

bool PickleMachine::filling(uint8_t op) {
  switch (op) {
    case 'a': {
      const std::vector<PickleRef> item = popped(1);
      fill(top(), item);
      return true;
    }
    case 's': {
      const std::vector<PickleRef> item = popped(2);
      fill(top(), item);
      return true;
    }
    case 'e':
    case 'u':
    case 0x90: {
      const std::vector<PickleRef> items = pop_to_mark();
      fill(top(), items);
      return true;
    }
    default: return false;
  }
}

bool PickleMachine::memory(uint8_t op) {
  switch (op) {
    case '(':
      spend(1);
      marks_.push_back(stack_.size());
      return true;
    case '0':
      if (!marks_.empty() && stack_.size() == marks_.back())
        marks_.pop_back();
      else
        pop();
      return true;
    case '1': pop_to_mark(); return true;
    case '2': push(top()); return true;
    case 'g': return recall(memo_key(bytes_.line()));
    case 'h': return recall(bytes_.number(1));
    case 'j': return recall(bytes_.number(4));
    case 'p': return remember(memo_key(bytes_.line()));
    case 'q': return remember(bytes_.number(1));
    case 'r': return remember(bytes_.number(4));
    case 0x94: return remember(memo_.size());
    default: return false;
  }
}

bool PickleMachine::push_global(const std::string& module, const std::string& name) {
  // Each use of a remembered name copies it, so a long one would multiply.
  constexpr std::size_t longest = 1000;
  if (module.size() + name.size() > longest)
    fail_model("pickle: a class name of ", module.size() + name.size(), " bytes; at most ", longest, " are expected");
  return push_text(module + "." + name, PickleKind::global);
}

bool PickleMachine::push_call(PickleRef callee, const std::vector<PickleRef>& arguments) {
  spend(1 + arguments.size());
  const PickleValue& global = at(callee);
  if (global.kind == PickleKind::global && global.text == "collections.OrderedDict") return push_dict(arguments);
  std::vector<PickleRef> items = {callee};
  items.insert(items.end(), arguments.begin(), arguments.end());
  return push_items(PickleKind::call, std::move(items));
}

/// OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it.
bool PickleMachine::push_dict(const std::vector<PickleRef>& arguments) {
  push_items(PickleKind::dict, {});
  if (arguments.empty() || at(arguments[0]).kind != PickleKind::list) return true;
  const std::vector<PickleRef> pairs = at(arguments[0]).items;
  for (const PickleRef pair : pairs) {
    if (at(pair).items.size() != 2) fail_model("pickle: malformed, an OrderedDict of something else than pairs");
    const std::vector<PickleRef> items = at(pair).items;
    fill(top(), items);
  }
  return true;
}

bool PickleMachine::object(uint8_t op) {
  switch (op) {
    case 'c': {
      const std::string module = bytes_.line();
      return push_global(module, bytes_.line());
    }
    case 0x93: {
      const std::vector<PickleRef> names = popped(2);
      if (at(names[0]).kind != PickleKind::text || at(names[1]).kind != PickleKind::text)
        fail_model("pickle: malformed, a class whose name is no text");
      return push_global(at(names[0]).text, at(names[1]).text);
    }
    case 'i': {
      const std::string module = bytes_.line(), name = bytes_.line();
      const std::vector<PickleRef> arguments = pop_to_mark();
      push_global(module, name);
      return push_call(pop(), arguments);
    }
    case 'o': {
      std::vector<PickleRef> arguments = pop_to_mark();
      if (arguments.empty()) fail_model("pickle: malformed, an object without a class");
      const PickleRef callee = arguments.front();
      arguments.erase(arguments.begin());
      return push_call(callee, arguments);
    }
    case 'R':
    case 0x81: {
      const std::vector<PickleRef> pair = popped(2);
      if (at(pair[1]).kind != PickleKind::tuple) fail_model("pickle: malformed, a call without a tuple of arguments");
      const std::vector<PickleRef> arguments = at(pair[1]).items;
      return push_call(pair[0], arguments);
    }
    case 0x92: {
      const std::vector<PickleRef> three = popped(3);
      return push_call(three[0], {three[1], three[2]});
    }
    case 'b': pop(); return top(), true;  // attributes of an object: nothing here is an object
    case 'P': return push_text(bytes_.line()), push_items(PickleKind::id, {pop()});
    case 'Q': return push_items(PickleKind::id, {pop()});
    default: return false;
  }
}

/// False after STOP.
bool PickleMachine::step(uint8_t op) {
  if (op == '.') return false;
  if (op == 0x80) {
    if (const uint64_t protocol = bytes_.number(1); protocol > 5)
      fail_model("pickle: protocol ", protocol, " is newer than the 5 known here");
    return true;
  }
  if (op == 0x95) {  // a frame: a hint for readers with buffers
    bytes_.number(8);
    return true;
  }
  if (memory(op) || constant(op) || text(op) || container(op) || filling(op) || object(op)) return true;
  fail_model("pickle: opcode ", static_cast<int>(op), " is unknown or needs objects from outside the file");
}

Pickle read_pickle(std::istream& stream, const PickleLimits& limits) { return PickleMachine(stream, limits).run(); }

const PickleValue* find_key(const Pickle& pickle, const PickleValue& dict, std::string_view key) {
  if (dict.kind != PickleKind::dict) return nullptr;
  const PickleValue* found = nullptr;  // the last one wins, as in Python
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
    if (const PickleValue& name = pickle[dict.items[i]]; name.kind == PickleKind::text && name.text == key)
      found = &pickle[dict.items[i + 1]];
  return found;
}

}  // namespace resnet
