#include "base/log.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/terminal.hpp"

#include <fmt/chrono.h>

#include <ctime>
#include <mutex>
#include <utility>

namespace resnet {
namespace {

std::mutex log_mutex;
std::filesystem::path log_file;
bool log_file_failed = false;
LogLevel shown_level = LogLevel::info;

std::string_view prefix(LogLevel level) {
  switch (level) {
    case LogLevel::warning: return "warning: ";
    case LogLevel::error: return "error: ";
    case LogLevel::detail:
    case LogLevel::info: break;
  }
  return "";
}

void show(LogLevel level, std::string_view text) {
  if (level >= shown_level)
    print_stderr(fmt::format("{}{}{}\n", stderr_is_terminal() ? clear_line : "", prefix(level), text));
}

}  // namespace

void log_line(LogLevel level, std::string_view text) {
  const std::lock_guard lock(log_mutex);
  show(level, text);
  if (log_file.empty()) return;
  try {
    append_line(log_file,
                fmt::format("{:%Y-%m-%d %H:%M:%S} {}{}", fmt::localtime(std::time(nullptr)), prefix(level), text));
  } catch (const Error& error) {
    // The lines are on stderr as well: a training is worth more than its log.
    if (!std::exchange(log_file_failed, true))
      show(LogLevel::warning, fmt::format("{}; the log will lack lines", error.what()));
  }
}

std::filesystem::path set_log_file(const std::filesystem::path& path) {
  const std::lock_guard lock(log_mutex);
  log_file_failed = false;
  return std::exchange(log_file, path);
}

void set_log_level(LogLevel level) { shown_level = level; }

}  // namespace resnet
