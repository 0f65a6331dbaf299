#include "base/progress.hpp"

#include "base/log.hpp"
#include "base/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto bar_interval = std::chrono::milliseconds(100);
constexpr auto line_interval = std::chrono::seconds(5);
constexpr int bar_width = 24;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// " 12 images/s", " 0.04 batches/s"; nothing before the first unit is done.
std::string rate_text(double rate, const std::string& unit) {
  if (!(rate > 0)) return "";
  if (rate < 1) return fmt::format(" {:.2g} {}/s", rate, unit);
  return fmt::format(" {:.{}f} {}/s", rate, rate < 10 ? 1 : 0, unit);
}

}  // namespace

Progress::Progress(std::string label, int64_t total, std::string unit, int64_t done)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      done_(done),
      first_(done),
      terminal_(stderr_is_terminal()),
      start_(Clock::now()),
      last_shown_(start_) {}

Progress::~Progress() {
  if (terminal_) print_stderr(clear_line);
}

void Progress::update(int64_t done, std::string_view details) {
  done_ = done;
  const auto now = Clock::now();
  if (now - last_shown_ < (terminal_ ? Clock::duration(bar_interval) : Clock::duration(line_interval))) return;
  last_shown_ = now;
  const double fraction =
      total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0) : 0;
  const double speed = rate();
  const std::string left =
      speed > 0 ? ", " + duration_text(static_cast<double>(total_ - done_) / speed) + " left" : std::string();
  const std::string text = fmt::format("{} {:3.0f}% {}/{}{}{}{}{}", label_, 100 * fraction, done_, total_,
                                       rate_text(speed, unit_), left, details.empty() ? "" : ", ", details);
  if (!terminal_) return log_line(LogLevel::info, text);
  const int filled = static_cast<int>(fraction * bar_width);
  print_stderr(fmt::format("{}[{:=<{}}{: <{}}] {}", clear_line, "", filled, "", bar_width - filled, text));
}

double Progress::rate() const {
  const double seconds = seconds_between(start_, Clock::now());
  return seconds > 0 ? static_cast<double>(done_ - first_) / seconds : 0;
}

std::string duration_text(double seconds) {
  const int64_t whole = static_cast<int64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}h {:02}m", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

}  // namespace resnet
