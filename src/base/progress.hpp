// Progress of long work on stderr: a bar with rate and time left on a terminal, a line every few seconds elsewhere.
// NO_COLOR and TERM=dumb are respected.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace resnet {

class Progress {
 public:
  /// `total` units of `unit` ("images") lie ahead, `done` of them were done before (a resumed run).
  Progress(std::string label, int64_t total, std::string unit, int64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` units are finished in all; `details` ("loss 1.23, top-1 54.3%") is shown behind the rate.
  void update(int64_t done, std::string_view details = {});

  /// Units per second so far.
  double rate() const;

 private:
  std::string label_, unit_;
  int64_t total_, done_, first_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_, last_shown_;
};

/// "1h 02m", "3m 05s", "12s"
std::string duration_text(double seconds);

}  // namespace resnet
