// What libFuzzer feeds, and what the tests replay over fuzz/seeds/NAME: one function for each decoder and reader of
// untrusted bytes. Each accepts any input: it returns, or throws std::logic_error where something that always holds
// does not (or crashes, which is what fuzzing looks for). Errors that the project throws on purpose are caught inside.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace resnet::fuzz {

struct Target {
  std::string_view name;  // of its folder under fuzz/seeds
  void (*run)(std::span<const std::byte> input);
};

std::span<const Target> targets();

}  // namespace resnet::fuzz
