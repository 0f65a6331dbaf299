#include "train/pace.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto interval = std::chrono::seconds(10);
constexpr double little_waiting = 0.05, much_waiting = 0.2;  // parts of the time of the training thread
constexpr double busy = 0.8;                                 // part of the time of the loader threads

double part(double seconds, double whole) { return whole > 0 ? std::clamp(seconds / whole, 0.0, 1.0) : 0; }

double waiting_part(const PaceTimes& times) { return part(times.waiting, times.compute + times.waiting); }

const char* advice(const PaceTimes& times, double loader_busy) {
  if (waiting_part(times) < little_waiting) return "the images keep up";
  if (loader_busy < busy) return "the images come in time but for pauses";
  if (times.loader.decode > times.loader.augment)
    return "more --loader-threads, --cache or --scaled-decoding would help";
  return "more --loader-threads or a simpler augmentation would help";
}

}  // namespace

std::string describe(const PaceTimes& times, double seconds, int loader_threads) {
  const double whole = seconds * loader_threads;
  const double decode = part(times.loader.decode, whole), augment = part(times.loader.augment, whole);
  const double waiting = waiting_part(times);
  return fmt::format(
      "time: computing {:.0f} %, waiting for images {:.0f} %; {}: decoding {:.0f} %, augmenting {:.0f} %, "
      "idle {:.0f} %; {}",
      100 * (1 - waiting), 100 * waiting, plural(loader_threads, "loader thread"), 100 * decode, 100 * augment,
      100 * std::max(0.0, 1 - decode - augment), advice(times, decode + augment));
}

Pace::Pace(int loader_threads) : loader_threads_(loader_threads), last_(Clock::now()) {}

void Pace::update(const PaceTimes& so_far) {
  const auto now = Clock::now();
  if (now - last_ < interval) return;
  const PaceTimes since{
      .compute = so_far.compute - before_.compute,
      .waiting = so_far.waiting - before_.waiting,
      .loader = {so_far.loader.decode - before_.loader.decode, so_far.loader.augment - before_.loader.augment}};
  const double seconds = std::chrono::duration<double>(now - last_).count();
  log_line(waiting_part(since) >= much_waiting ? LogLevel::info : LogLevel::detail,
           describe(since, seconds, loader_threads_));
  before_ = so_far;
  last_ = now;
}

}  // namespace resnet
