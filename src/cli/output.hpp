// Results go to stdout: text for people, or exactly one JSON value with --json. Everything else goes to stderr.
#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace resnet::cli {

using Json = nlohmann::ordered_json;

/// Error: it cannot be written (a full disk, a closed pipe).
void write_output(std::string_view text);

template <class... Args>
void print_text(fmt::format_string<Args...> format, Args&&... args) {
  write_output(fmt::format(format, std::forward<Args>(args)...));
}

void print_json(const Json& value);

/// "91.32%"
std::string percent(double fraction);

/// Error: not all of the output could be written.
void finish_output();

}  // namespace resnet::cli
