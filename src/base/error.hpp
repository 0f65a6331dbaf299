// Errors that end a job: one line that says where, what was expected, what came and what to do next.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace resnet {

/// What the process exits with; scripts rely on these numbers.
enum class ExitCode {
  ok = 0,
  failed = 1,
  usage = 2,
  bad_data = 3,
  bad_model = 4,
  out_of_memory = 5,
  interrupted = 130
};

/// The only exception this project throws on purpose. `what()` is a single line for the user.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// The arguments written one after the other, as fmt prints them.
template <class... Args>
std::string text_of(const Args&... args) {
  std::string text;
  (fmt::format_to(std::back_inserter(text), "{}", args), ...);
  return text;
}

template <class... Args>
[[noreturn]] void fail_as(ExitCode code, const Args&... args) {
  throw Error(code, text_of(args...));
}

/// fail("conv: weight ", w, " expects ...") throws an Error with exit code 1.
template <class... Args>
[[noreturn]] void fail(const Args&... args) {
  fail_as(ExitCode::failed, args...);
}
template <class... Args>
[[noreturn]] void fail_usage(const Args&... args) {
  fail_as(ExitCode::usage, args...);
}
template <class... Args>
[[noreturn]] void fail_data(const Args&... args) {
  fail_as(ExitCode::bad_data, args...);
}
template <class... Args>
[[noreturn]] void fail_model(const Args&... args) {
  fail_as(ExitCode::bad_model, args...);
}

/// Runs `action`; an Error it throws gets `where` (a node path, a file) put before its message.
template <class Action>
decltype(auto) with_context(const std::string& where, Action&& action) {
  try {
    return std::forward<Action>(action)();
  } catch (const Error& error) {
    throw Error(error.code(), where + ": " + error.what());
  }
}

}  // namespace resnet
