// How the learning rate goes over a training: a pure function of the step, so that a resumed run needs no history.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace resnet {

enum class ScheduleKind : uint8_t { constant, step, cosine, linear };

std::string_view name_of(ScheduleKind kind);
/// The inverse. Error (usage): no such schedule; lists them.
ScheduleKind schedule_kind(std::string_view name);

struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine;
  double peak = 0.2;
  /// Part of all steps over which the rate climbs linearly to the peak, ahead of the schedule proper.
  double warmup = 0;
  /// step: the parts of all steps after which the rate is multiplied by `factor`.
  std::vector<double> milestones = {};
  double factor = 0.1;
  bool operator==(const Schedule&) const = default;
};

/// The rate of step 0 .. steps - 1. With w = round(warmup * steps):
///   warm-up  peak * (step + 1) / w          for step < w
///   step     peak * factor^(milestones m with step >= round(m * steps))
///   cosine   peak * (1 + cos(pi t)) / 2,  t = (step - w) / (steps - w)      (Loshchilov & Hutter 2017)
///   linear   peak * (1 - t)
double learning_rate(const Schedule& schedule, int64_t step, int64_t steps);

}  // namespace resnet
