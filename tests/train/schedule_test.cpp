// The learning rate against values worked out by hand.
#include "train/schedule.hpp"
#include "base/error.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace resnet {
namespace {

struct Row {
  Schedule schedule;
  int64_t step, steps;
  double rate;
};

TEST(Schedule, MatchesValuesWorkedOutByHand) {
  const Schedule paper{.kind = ScheduleKind::step, .peak = 0.1, .milestones = {0.5, 0.75}};
  const Schedule cosine{.kind = ScheduleKind::cosine, .peak = 0.2, .warmup = 0.1};
  const Schedule linear{.kind = ScheduleKind::linear, .peak = 1};
  const Schedule constant{.kind = ScheduleKind::constant, .peak = 0.3, .warmup = 0.5};
  const std::vector<Row> rows = {
      {paper, 0, 64'000, 0.1},
      {paper, 31'999, 64'000, 0.1},
      {paper, 32'000, 64'000, 0.01},
      {paper, 47'999, 64'000, 0.01},
      {paper, 48'000, 64'000, 0.001},
      {paper, 63'999, 64'000, 0.001},
      {cosine, 0, 100, 0.02},
      {cosine, 4, 100, 0.1},
      {cosine, 9, 100, 0.2},
      {cosine, 10, 100, 0.2},
      {cosine, 55, 100, 0.1},
      {cosine, 40, 100, 0.15},
      {linear, 0, 10, 1},
      {linear, 5, 10, 0.5},
      {linear, 9, 10, 0.1},
      {constant, 0, 4, 0.15},
      {constant, 1, 4, 0.3},
      {constant, 3, 4, 0.3},
  };
  for (const Row& row : rows)
    EXPECT_NEAR(learning_rate(row.schedule, row.step, row.steps), row.rate, 1e-12)
        << name_of(row.schedule.kind) << " step " << row.step << " of " << row.steps;
}

TEST(Schedule, WarmUpOfAllStepsNeverDividesByZero) {
  const Schedule schedule{.kind = ScheduleKind::cosine, .peak = 1, .warmup = 1};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 3, 4), 1);
  EXPECT_DOUBLE_EQ(learning_rate({.kind = ScheduleKind::cosine, .peak = 1, .warmup = 0.1}, 0, 1), 1);
}

TEST(Schedule, NamesGoBothWays) {
  for (const ScheduleKind kind :
       {ScheduleKind::constant, ScheduleKind::step, ScheduleKind::cosine, ScheduleKind::linear})
    EXPECT_EQ(schedule_kind(name_of(kind)), kind);
  EXPECT_THROW(schedule_kind("cosinus"), Error);
}

}  // namespace
}  // namespace resnet
