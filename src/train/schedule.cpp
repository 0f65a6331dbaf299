#include "train/schedule.hpp"

#include "base/error.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

namespace resnet {
namespace {

constexpr std::array<std::pair<ScheduleKind, std::string_view>, 4> names = {{{ScheduleKind::constant, "constant"},
                                                                             {ScheduleKind::step, "step"},
                                                                             {ScheduleKind::cosine, "cosine"},
                                                                             {ScheduleKind::linear, "linear"}}};

int64_t part_of(double part, int64_t steps) { return std::llround(part * static_cast<double>(steps)); }

}  // namespace

std::string_view name_of(ScheduleKind kind) {
  for (const auto& [value, name] : names)
    if (value == kind) return name;
  return "?";
}

ScheduleKind schedule_kind(std::string_view name) {
  std::string known;
  for (const auto& [value, text] : names) {
    if (text == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  fail_usage("--schedule: expected one of ", known, ", got '", name, "'");
}

double learning_rate(const Schedule& schedule, int64_t step, int64_t steps) {
  const int64_t warmup = part_of(schedule.warmup, steps);
  if (step < warmup) return schedule.peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double time = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
  switch (schedule.kind) {
    case ScheduleKind::constant: break;
    case ScheduleKind::cosine: return schedule.peak * (1 + std::cos(std::numbers::pi * time)) / 2;
    case ScheduleKind::linear: return schedule.peak * (1 - time);
    case ScheduleKind::step: {
      double rate = schedule.peak;
      for (const double milestone : schedule.milestones)
        if (step >= part_of(milestone, steps)) rate *= schedule.factor;
      return rate;
    }
  }
  return schedule.peak;
}

}  // namespace resnet
