// What the targets share: the input as text, and errors that the project throws on purpose.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace resnet::fuzz {

inline std::string text_of_input(std::span<const std::byte> input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// Runs `action`; what the project refuses is fine.
template <class Action>
void allow_errors(Action action) {
  try {
    action();
  } catch (const Error&) {
  }
}

}  // namespace resnet::fuzz
