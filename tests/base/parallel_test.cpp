#include "base/parallel.hpp"

#include "base/error.hpp"
#include "sanitizer.hpp"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace resnet {
namespace {

class Pool : public testing::TestWithParam<int> {};

TEST_P(Pool, RunsEachTaskOnceInEveryRound) {
  ThreadPool pool(GetParam(), GetParam());
  for (int round = 0; round < 300; ++round) {
    const int tasks = round % 13;
    std::vector<int> runs(static_cast<std::size_t>(tasks));
    pool.run(tasks, [&](int task, int worker) {
      ASSERT_GE(worker, 0);
      ASSERT_LT(worker, GetParam());
      ++runs[static_cast<std::size_t>(task)];
    });
    for (int count : runs) EXPECT_EQ(count, 1);
  }
}

TEST_P(Pool, RethrowsAnExceptionAfterTheRoundAndGoesOn) {
  ThreadPool pool(GetParam(), GetParam());
  std::atomic<int> done{0};
  const auto work = [&](int task, int) {
    if (task == 3) throw std::runtime_error("task 3");
    ++done;
  };
  EXPECT_THROW(pool.run(8, work), std::runtime_error);
  EXPECT_EQ(done, GetParam() > 1 ? 7 : 3);  // one thread stops at the exception
  done = 0;
  pool.run(3, work);
  EXPECT_EQ(done, 3);
}

TEST(Pool, StartsNoMoreThreadsThanCores) {
  EXPECT_EQ(ThreadPool(8, 3).threads(), 3);
  EXPECT_EQ(ThreadPool(2, 3).threads(), 2);
  EXPECT_LE(ThreadPool(1024).threads(), available_cores());
}

// In a process of its own, whose room is too small for the stacks of so many.
TEST(PoolDeathTest, NamesTheThreadsThatCannotBeStarted) {
  if (test::with_sanitizer) GTEST_SKIP() << "the sanitizer needs more address space than the test allows";
  const auto start = [] {
    const rlimit room{.rlim_cur = std::size_t{2} << 30, .rlim_max = std::size_t{2} << 30};
    setrlimit(RLIMIT_AS, &room);
    try {
      const ThreadPool pool(1024, 1024);
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
      std::exit(1);
    }
    std::exit(0);
  };
  EXPECT_EXIT(start(), testing::ExitedWithCode(1), "cannot start 1024 threads: .*; use fewer --threads");
}

INSTANTIATE_TEST_SUITE_P(Threads, Pool, testing::Values(1, 2, 3, 4, 8));

}  // namespace
}  // namespace resnet
