#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace resnet {
namespace {

// The known answers that come with the authors' Random123 library (kat_vectors), for Philox4x32-10.
TEST(Random, PhiloxMatchesThePublishedVector) {
  EXPECT_EQ(philox(0, 0), (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(Random, StreamsDependOnEachPartOfTheirKey) {
  const std::set<uint64_t> keys{stream_key(1, "crop"),         stream_key(2, "crop"),
                                stream_key(1, "flip"),         stream_key(1, "crop", {0}),
                                stream_key(1, "crop", {0, 1}), stream_key(1, "crop", {1, 0}),
                                stream_key(1, "crop", {1, 1}), stream_key(1, "cro", {'p'})};
  EXPECT_EQ(keys.size(), 8u);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Rng rng(7, "moments");
  constexpr int count = 200000;
  double sum = 0, square = 0, uniform = 0;
  for (int i = 0; i < count; ++i) {
    const double x = rng.normal(), u = rng.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    sum += x;
    square += x * x;
    uniform += u;
  }
  EXPECT_NEAR(sum / count, 0, 0.01);
  EXPECT_NEAR(square / count, 1, 0.02);
  EXPECT_NEAR(uniform / count, 0.5, 0.005);
}

TEST(Random, BelowReachesEveryNumberEvenly) {
  Rng rng(3, "below");
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[static_cast<std::size_t>(rng.below(7))];
  for (int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(Random, ShuffleIsAPermutationAndRepeats) {
  std::vector<int> a(100), b(100);
  std::iota(a.begin(), a.end(), 0);
  std::iota(b.begin(), b.end(), 0);
  Rng(5, "order").shuffle(std::span(a));
  Rng(5, "order").shuffle(std::span(b));
  EXPECT_EQ(a, b);
  EXPECT_FALSE(std::ranges::is_sorted(a));
  std::ranges::sort(a);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace resnet
