// Where the time of a training goes: a line every few seconds in the run's log, with what would help.
#pragma once

#include "data/loader.hpp"

#include <chrono>
#include <string>

namespace resnet {

/// Seconds so far. The training thread computes or waits for images; loader threads decode, augment or are idle.
struct PaceTimes {
  double compute = 0, waiting = 0;
  LoaderTimes loader = {};
};

/// "computing 82 %, waiting for images 18 %; 1 loader thread: decoding 61 %, ...; more --loader-threads would help", of
/// `seconds` of work.
std::string describe(const PaceTimes& times, double seconds, int loader_threads);

class Pace {
 public:
  explicit Pace(int loader_threads);

  /// `so_far`: since the start of the training. Says where the time since the last line went, if that is some seconds
  /// ago; on the terminal only where the network waits for images.
  void update(const PaceTimes& so_far);

 private:
  int loader_threads_;
  PaceTimes before_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace resnet
