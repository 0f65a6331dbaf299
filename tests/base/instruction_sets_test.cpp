#include "base/instruction_sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace resnet {
namespace {

TEST(InstructionSets, AscendAndHoldThoseBefore) {
  EXPECT_TRUE(runs_here(InstructionSet::baseline));
  const auto first_missing = std::ranges::find_if_not(instruction_sets, runs_here);
  EXPECT_TRUE(std::none_of(first_missing, instruction_sets.end(), runs_here));
  EXPECT_EQ(best_instruction_set(), *(first_missing - 1));
}

TEST(InstructionSets, HaveTheNamesThatKernelsStore) {
  EXPECT_EQ(name_of(InstructionSet::baseline), "baseline");
  EXPECT_EQ(name_of(InstructionSet::avx2), "avx2");
  EXPECT_EQ(name_of(InstructionSet::avx512), "avx512");
}

}  // namespace
}  // namespace resnet
