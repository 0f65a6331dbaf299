// Messages for people: to stderr, and to the run's log.txt while a run is open. Results go to stdout, never here.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace resnet {

/// detail: for the log file only.
enum class LogLevel { detail, info, warning, error };

/// One line to stderr and to the log file if there is one. A progress bar on the terminal is kept intact. A log file
/// that cannot be written is no error: the first failure is a warning on stderr, later ones are silent.
void log_line(LogLevel level, std::string_view text);

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}

/// From now on each line is also appended, with the time, to `path`; an empty path stops that. Returns the file before.
std::filesystem::path set_log_file(const std::filesystem::path& path);

/// Hides lines below `level` on stderr (the file still gets them); for tests and --quiet.
void set_log_level(LogLevel level);

}  // namespace resnet
