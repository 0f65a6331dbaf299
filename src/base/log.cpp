#include "base/log.hpp"

#include "base/files.hpp"
#include "base/terminal.hpp"

#include <fmt/chrono.h>

#include <cstdio>
#include <ctime>
#include <mutex>

namespace resnet {
namespace {

std::mutex log_mutex;
std::filesystem::path log_file;
LogLevel shown_level = LogLevel::info;

std::string_view prefix(LogLevel level) {
  switch (level) {
    case LogLevel::warning: return "warning: ";
    case LogLevel::error: return "error: ";
    case LogLevel::info: break;
  }
  return "";
}

}  // namespace

void log_line(LogLevel level, std::string_view text) {
  const std::lock_guard lock(log_mutex);
  if (level >= shown_level) fmt::print(stderr, "{}{}{}\n", stderr_is_terminal() ? clear_line : "", prefix(level), text);
  if (!log_file.empty())
    append_line(log_file,
                fmt::format("{:%Y-%m-%d %H:%M:%S} {}{}", fmt::localtime(std::time(nullptr)), prefix(level), text));
}

void set_log_file(const std::filesystem::path& path) {
  const std::lock_guard lock(log_mutex);
  log_file = path;
}

void set_log_level(LogLevel level) { shown_level = level; }

}  // namespace resnet
