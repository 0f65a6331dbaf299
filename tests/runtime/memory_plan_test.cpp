#include "runtime/memory_plan.hpp"

#include "base/random.hpp"
#include "base/tensor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace resnet {
namespace {

bool live_together(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

// Random buffers, some of them parts of others.
std::vector<Lifetime> random_lifetimes(Rng& rng, int steps) {
  std::vector<Lifetime> lives;
  const int64_t count = 1 + rng.below(60);
  for (int64_t i = 0; i < count; ++i) {
    const int first = static_cast<int>(rng.below(steps)), length = static_cast<int>(rng.below(10));
    Lifetime life{.bytes = static_cast<std::size_t>(rng.below(5000)), .first = first, .last = first + length};
    if (i > 0 && rng.chance(0.2)) {
      life.alias_of = static_cast<int>(rng.below(i));
      const std::size_t room = lives[static_cast<std::size_t>(life.alias_of)].bytes;
      life.alias_offset = room ? static_cast<std::size_t>(rng.below(static_cast<int64_t>(room))) : 0;
      life.bytes = room - life.alias_offset;
    }
    lives.push_back(life);
  }
  return lives;
}

int owner(const std::vector<Lifetime>& lives, int i) {
  while (lives[static_cast<std::size_t>(i)].alias_of >= 0) i = lives[static_cast<std::size_t>(i)].alias_of;
  return i;
}

class RandomPlan : public testing::TestWithParam<bool> {};

TEST_P(RandomPlan, KeepsLivingBuffersApartAndAliasesInside) {
  for (uint64_t trial = 0; trial < 300; ++trial) {
    Rng rng(trial, "plan");
    const std::vector<Lifetime> lives = random_lifetimes(rng, 40);
    const MemoryPlan plan = plan_memory(lives, GetParam());
    for (std::size_t i = 0; i < lives.size(); ++i) {
      EXPECT_LE(plan.offsets[i] + lives[i].bytes, plan.bytes);
      if (lives[i].alias_of >= 0) {
        const auto of = static_cast<std::size_t>(lives[i].alias_of);
        EXPECT_EQ(plan.offsets[i], plan.offsets[of] + lives[i].alias_offset);
      } else {
        EXPECT_EQ(plan.offsets[i] % buffer_alignment, 0u);
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (owner(lives, static_cast<int>(i)) == owner(lives, static_cast<int>(j)) ||
            !live_together(lives[i], lives[j]))
          continue;
        const bool apart =
            plan.offsets[i] + lives[i].bytes <= plan.offsets[j] || plan.offsets[j] + lives[j].bytes <= plan.offsets[i];
        EXPECT_TRUE(apart || lives[i].bytes == 0 || lives[j].bytes == 0)
            << "trial " << trial << ": " << i << " and " << j;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Reuse, RandomPlan, testing::Bool());

TEST(MemoryPlan, ReusesWhatIsDead) {
  const std::vector<Lifetime> chain{{.bytes = 640, .first = 0, .last = 1},
                                    {.bytes = 640, .first = 1, .last = 2},
                                    {.bytes = 640, .first = 2, .last = 3},
                                    {.bytes = 640, .first = 3, .last = 4}};
  EXPECT_EQ(plan_memory(chain).bytes, 1280u);
  EXPECT_EQ(plan_memory(chain, false).bytes, 2560u);
}

TEST(MemoryPlan, AnAliasKeepsItsOwnerAlive) {
  const std::vector<Lifetime> lives{{.bytes = 640, .first = 0, .last = 1},
                                    {.bytes = 64, .first = 2, .last = 5, .alias_of = 0, .alias_offset = 128},
                                    {.bytes = 640, .first = 4, .last = 6}};
  const MemoryPlan plan = plan_memory(lives);
  EXPECT_EQ(plan.bytes, 1280u);
  EXPECT_EQ(plan.offsets[1], plan.offsets[0] + 128);
}

}  // namespace
}  // namespace resnet
