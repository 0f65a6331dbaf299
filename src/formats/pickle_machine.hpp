// The stack machine of a pickle, for pickle.cpp: the stack, the marks, the memo, and the opcodes in groups.
#pragma once

#include "formats/pickle.hpp"
#include "formats/pickle_bytes.hpp"

#include <istream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace resnet {

class PickleMachine {
 public:
  PickleMachine(std::istream& stream, const PickleLimits& limits)
      : bytes_(stream, limits.bytes), left_(limits.values) {}

  Pickle run() {
    while (step(bytes_.byte())) {
    }
    pickle_.root = pop();
    return std::move(pickle_);
  }

 private:
  // --- values ---
  PickleRef make(PickleValue value) {
    spend(1);
    pickle_.values.push_back(std::move(value));
    return static_cast<PickleRef>(pickle_.values.size() - 1);
  }
  void spend(uint64_t count) {
    if (count > left_) fail_model("pickle: more objects than the limit allows");
    left_ -= count;
  }
  PickleValue& at(PickleRef ref) { return pickle_.values[ref]; }

  // --- the stack; a mark is remembered by the height at which it was set ---
  void push(PickleRef ref) {
    spend(1);
    stack_.push_back(ref);
  }
  bool push_new(PickleValue value) {
    push(make(std::move(value)));
    return true;
  }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleRef top() {
    if (stack_.size() <= floor()) fail_model("pickle: malformed, an opcode finds nothing on the stack");
    return stack_.back();
  }
  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }
  std::vector<PickleRef> pop_to_mark() {
    if (marks_.empty()) fail_model("pickle: malformed, an opcode finds no mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleRef> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  // --- groups of opcodes; each says whether it knew the opcode ---
  bool constant(uint8_t op);
  bool old_number(uint8_t op);
  bool text(uint8_t op);
  bool container(uint8_t op);
  bool filling(uint8_t op);
  bool memory(uint8_t op);
  bool object(uint8_t op);
  bool step(uint8_t op);

  bool push_integer(int64_t value) { return push_new({.kind = PickleKind::integer, .integer = value}); }
  bool push_text(std::string value, PickleKind kind = PickleKind::text) {
    return push_new({.kind = kind, .text = std::move(value)});
  }
  bool push_items(PickleKind kind, std::vector<PickleRef> items) {
    return push_new({.kind = kind, .items = std::move(items)});
  }
  bool push_long(uint64_t length);
  bool push_global(const std::string& module, const std::string& name);
  /// callee(arguments): written down, not done.
  bool push_call(PickleRef callee, const std::vector<PickleRef>& arguments);
  bool push_dict(const std::vector<PickleRef>& arguments);
  void fill(PickleRef target, const std::vector<PickleRef>& items);
  bool remember(uint64_t key) {
    spend(1);
    memo_[key] = top();
    return true;
  }
  bool recall(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail_model("pickle: malformed, it asks for memo ", key, ", which was never set");
    push(found->second);
    return true;
  }
  std::vector<PickleRef> popped(int count) {
    std::vector<PickleRef> items(static_cast<std::size_t>(count));
    for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
    return items;
  }

  PickleBytes bytes_;
  uint64_t left_;
  Pickle pickle_;
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<uint64_t, PickleRef> memo_;
};

}  // namespace resnet
