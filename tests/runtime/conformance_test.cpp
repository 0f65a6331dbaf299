// Every row of the table on every backend: gradients against finite differences on the reference in double, values in
// fp32 against the reference in double, the memory plan against own buffers, and any number of threads against one.
#include "base/error.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

namespace resnet {
namespace {

class Gradients : public testing::TestWithParam<OpFamily> {};

TEST_P(Gradients, EqualFiniteDifferences) {
  for (const OpCase& row : GetParam().cases()) {
    if (!row.gradient) continue;
    SCOPED_TRACE(row.name);
    const Values values = draw(row);
    const Values gradients = run(training_graph(row), values, in_double);
    FiniteDifferences differences(forward_graph(row), values, "y0", values.at("dy"));
    const int samples = values.at("x0").elements() > 5000 ? 2 : 16;
    for (std::size_t i = 0; i < row.operands.size(); ++i) {
      const std::string name = text_of("x", i);
      if (!row.operands[i].differentiable) continue;
      ASSERT_TRUE(gradients.contains("d" + name));
      differences.expect_gradient(name, gradients.at("d" + name), samples, 3e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Gradients, testing::ValuesIn(families), [](const auto& test) { return test.param.name; });

class BackendConformance : public testing::TestWithParam<std::tuple<Backend, OpFamily>> {
 protected:
  static Backend backend() { return std::get<Backend>(GetParam()); }
  template <class Check>
  static void for_each_row(const Check& check) {
    for (const OpCase& row : std::get<OpFamily>(GetParam()).cases()) {
      SCOPED_TRACE(row.name);
      check(training_graph(row), draw(row));
    }
  }
};

TEST_P(BackendConformance, Fp32EqualsReferenceInDouble) {
  for_each_row([](const Graph& graph, const Values& values) {
    expect_close(run(graph, values, {.backend = backend()}), run(graph, values, in_double), 1e-4);
  });
}

TEST_P(BackendConformance, PlannedMemoryEqualsOwnBuffers) {
  for_each_row([](const Graph& graph, const Values& values) {
    EXPECT_TRUE(same_bits(run(graph, values, {.backend = backend()}),
                          run(graph, values, {.backend = backend(), .reuse_memory = false})));
  });
}

TEST_P(BackendConformance, ThreadsKeepTheBits) {
  std::vector<std::shared_ptr<ThreadPool>> pools;
  for (const int threads : {2, 3, 4, 8}) pools.push_back(std::make_shared<ThreadPool>(threads, threads));
  for_each_row([&](const Graph& graph, const Values& values) {
    const Values one = run(graph, values, {.backend = backend()});
    for (const auto& pool : pools)
      EXPECT_TRUE(same_bits(one, run(graph, values, {.backend = backend(), .threads = pool})))
          << pool->threads() << " threads";
  });
}

INSTANTIATE_TEST_SUITE_P(Ops, BackendConformance,
                         testing::Combine(testing::ValuesIn(backends), testing::ValuesIn(families)),
                         [](const auto& test) {
                           return text_of(name_of(std::get<0>(test.param)), "_", std::get<1>(test.param).name);
                         });

class LowPrecision : public testing::TestWithParam<OpFamily> {
 protected:
  void SetUp() override {
    if (!cpu_backend_info().bf16) GTEST_SKIP() << "this processor has no AVX-512, which bf16 needs";
  }
};

// Sums are f32 in both; what differs is on which side of a tie the last of 8 bits is rounded, and that a convolution
// rounds once more before an addition that is fused with it.
TEST_P(LowPrecision, CpuEqualsReferenceInDouble) {
  for (const OpCase& row : GetParam().cases()) {
    SCOPED_TRACE(row.name);
    const Graph graph = low_precision_graph(row);
    const Values values = draw(row);
    expect_close(run(graph, values, {.backend = Backend::cpu}), run(graph, values, in_double), 4e-3);
  }
}

TEST_P(LowPrecision, MemoryPlanAndThreadsKeepTheBits) {
  const auto pool = std::make_shared<ThreadPool>(3, 3);
  for (const OpCase& row : GetParam().cases()) {
    SCOPED_TRACE(row.name);
    const Graph graph = low_precision_graph(row);
    const Values values = draw(row), one = run(graph, values, {.backend = Backend::cpu});
    EXPECT_TRUE(same_bits(one, run(graph, values, {.backend = Backend::cpu, .threads = pool})));
    EXPECT_TRUE(same_bits(one, run(graph, values, {.backend = Backend::cpu, .reuse_memory = false})));
  }
}

// An op that only infers may take another path, for images that lie otherwise.
TEST_P(LowPrecision, InferenceEqualsReferenceInDouble) {
  const auto pool = std::make_shared<ThreadPool>(3, 3);
  for (const OpCase& row : GetParam().cases()) {
    SCOPED_TRACE(row.name);
    const Graph graph = low_precision_inference_graph(row);
    const Values values = draw(row), one = run(graph, values, {.backend = Backend::cpu});
    expect_close(one, run(graph, values, in_double), 4e-3);
    EXPECT_TRUE(same_bits(one, run(graph, values, {.backend = Backend::cpu, .threads = pool})));
    EXPECT_TRUE(same_bits(one, run(graph, values, {.backend = Backend::cpu, .reuse_memory = false})));
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, LowPrecision, testing::ValuesIn(image_families),
                         [](const auto& test) { return test.param.name; });

template <std::size_t... index>
std::set<std::size_t> all_ops(std::index_sequence<index...>) {
  return {index...};
}

TEST(ConformanceTable, HasARowForEveryOp) {
  std::set<std::size_t> missing = all_ops(std::make_index_sequence<std::variant_size_v<Op>>());
  for (const OpFamily& family : families)
    for (const OpCase& row : family.cases()) missing.erase(row.op.index());
  EXPECT_EQ(missing, std::set<std::size_t>()) << "indices of ops in the variant";
}

}  // namespace
}  // namespace resnet
