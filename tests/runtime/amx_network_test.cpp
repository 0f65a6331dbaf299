// A residual network in bf16 at a batch of 32, which lies batch-inner where the processor has AMX: kernels that take in
// the work of their neighbours (residual additions, sums of gradients, masks of ReLUs, moments) appear only in
// networks. The same network in fp32.
#include "base/error.hpp"
#include "base/parallel.hpp"
#include "graph/builder.hpp"
#include "graph/differentiate.hpp"
#include "graph/passes.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr int64_t classes = 5;

/// Blocks behind a stem with max pooling, the second with a projection.
Graph network(Mode mode) {
  Builder net(mode);
  Value x = net.input("images", {32, 3, 29, 25});
  x = net.conv("conv1", x, {.channels = 16, .kernel = 7, .stride = 2, .padding = 3});
  x = net.relu(net.batch_norm("bn1", x));
  x = net.max_pool(x, {.kernel = 3, .stride = 2, .padding = 1});
  const auto block = [&](const std::string& name, Value from, int channels, int stride) {
    Value h = net.conv(name + ".conv1", from, {.channels = channels, .kernel = 3, .stride = stride, .padding = 1});
    h = net.relu(net.batch_norm(name + ".bn1", h));
    h = net.batch_norm(name + ".bn2", net.conv(name + ".conv2", h, {.channels = channels, .kernel = 3, .padding = 1}));
    if (stride == 1) return net.relu(net.add(h, from));
    const Value shortcut = net.conv(name + ".downsample", from, {.channels = channels, .kernel = 1, .stride = stride});
    return net.relu(net.add(h, net.batch_norm(name + ".bn3", shortcut)));
  };
  x = block("layer1", x, 16, 1);
  x = block("layer2", x, 32, 2);
  x = block("layer3", x, 32, 1);
  const Value logits = net.linear("fc", net.flatten(net.global_average_pool(x)), {.units = static_cast<int>(classes)});
  net.observe("logits", logits);
  if (mode == Mode::training) net.cross_entropy(logits, 0.f);
  return net.take();
}

Graph with_gradients(Graph graph) {
  for (const auto& [value, gradient] : differentiate(graph, {{*graph.find("loss"), {}}}, graph.parameters()))
    graph.add_output("d." + graph[value].name, gradient);
  return graph;
}

Graph training() { return with_gradients(insert_casts(fuse(network(Mode::training)), Precision::bf16)); }

/// Steps for a residual addition, a sum of gradients there, or its ReLU's mask.
int64_t additions(const Executable& program) {
  return std::ranges::count_if(program.steps(),
                               [](const StepInfo& step) { return step.node.find("add") != std::string::npos; });
}
int64_t poolings(const Executable& program) {
  return std::ranges::count_if(program.steps(), [](const StepInfo& step) { return step.node.starts_with("max_pool"); });
}
constexpr const char* masked_alone =
    "behind the last addition the gradient comes from the pooling: its ReLU masks it alone";

class AmxNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (!cpu_backend_info().bf16) GTEST_SKIP() << "this processor has no AVX-512, which bf16 needs";
  }
};

// The reference rounds after each node, kernels that do the work of two round once: both are as far from the numbers
// without rounding, but not in the same direction.
TEST_F(AmxNetwork, IsAsExactAsTheReference) {
  const Graph graph = training();
  const Values values = draw(graph, 1, classes);
  const Values got = run(graph, values, {}), rounded = run(graph, values, in_double);
  const Values exact = run(with_gradients(fuse(network(Mode::training))), values, in_double);
  for (const auto& [name, tensor] : exact)
    EXPECT_LE(distance(got.at(name), tensor), 2 * distance(rounded.at(name), tensor) + 1e-3 * norm(tensor)) << name;
}

TEST_F(AmxNetwork, ThreadsMemoryPlanAndRecomputingKeepTheBits) {
  const Graph graph = training();
  const Values values = draw(graph, 2, classes), expected = run(graph, values, {});
  for (const int threads : {2, 3, 8})
    EXPECT_TRUE(same_bits(expected, run(graph, values, {.threads = std::make_shared<ThreadPool>(threads, threads)})));
  EXPECT_TRUE(same_bits(expected, run(graph, values, {.reuse_memory = false})));
  EXPECT_TRUE(same_bits(expected, run(recompute(graph), values, {})));
}

TEST_F(AmxNetwork, FoldedInferenceEqualsTheReference) {
  const Graph graph = insert_casts(fuse(network(Mode::inference)), Precision::bf16);
  const Values values = draw(graph, 3, classes);
  expect_close(run(graph, values, {}), run(graph, values, in_double), 1e-2);
}

TEST_F(AmxNetwork, KernelsTakeInTheirNeighbours) {
  if (std::string(cpu_backend_info().instruction_set) != "amx") GTEST_SKIP() << "this processor has no AMX";
  const Graph graph = training();
  State state;
  initialise(state, graph, 1);
  const auto program = compile(graph, state);
  const auto& steps = program->steps();
  const auto count = [&](const std::string& implementation) {
    return std::ranges::count(steps, implementation, &StepInfo::implementation);
  };
  EXPECT_EQ(count("amx"), 8 + 7 + 8) << "8 convolutions, but for the first with both gradients";
  EXPECT_EQ(count("own, measured before"), 8) << "batch norms";
  EXPECT_EQ(additions(*program), 1) << masked_alone;
  EXPECT_EQ(poolings(*program), 1) << "the gradient";
}

TEST(Fp32Network, KernelsTakeInAdditionsAndMasks) {
  const Graph graph = with_gradients(fuse(network(Mode::training)));
  State state;
  initialise(state, graph, 1);
  const auto program = compile(graph, state);
  if (cpu_backend_info().instruction_set == std::string_view("baseline"))
    GTEST_SKIP() << "oneDNN's convolutions for plain x86-64 take row-major images, of which nothing is absorbed";
  EXPECT_EQ(additions(*program), 1) << masked_alone;
  EXPECT_EQ(poolings(*program), 1) << "the gradient";
}

struct Stem {
  Shape images;
  int channels = 16;
  PoolOptions pool = {3, 2, 1};
  bool relu = true;
};

/// `observed`: what batch norm hands to the pooling is an output, so that each has to be computed alone.
Graph stem(const Stem& chosen, bool observed, Precision precision) {
  Builder net(Mode::training);
  Value x =
      net.conv("conv1", net.input("images", chosen.images), {.channels = chosen.channels, .kernel = 3, .padding = 1});
  x = net.batch_norm("bn1", x);
  if (chosen.relu) x = net.relu(x);
  if (observed) net.observe("normalised", x);
  x = net.max_pool(x, chosen.pool);
  net.observe("pooled", x);
  net.cross_entropy(net.linear("fc", net.flatten(net.global_average_pool(x)), {.units = static_cast<int>(classes)}),
                    0.f);
  return with_gradients(insert_casts(fuse(net.take()), precision));
}

std::vector<Precision> precisions() {
  return cpu_backend_info().bf16 ? std::vector{Precision::fp32, Precision::bf16} : std::vector{Precision::fp32};
}

TEST(StemPooling, WithinBatchNormKeepsTheBits) {
  std::vector<Stem> stems;
  for (const Shape& images : {Shape{32, 3, 11, 9}, Shape{3, 3, 11, 9}}) {
    for (const PoolOptions& pool : {PoolOptions{3, 2, 1}, PoolOptions{2, 2, 0}, PoolOptions{3, 1, 1},
                                    PoolOptions{4, 3, 1, true}, PoolOptions{5, 3, 2}})
      stems.push_back({images, 16, pool});
    stems.push_back({images, 6});
    stems.push_back({images, 16, {3, 2, 1}, false});
  }
  for (const Stem& each : stems)
    for (const Precision precision : precisions()) {
      const Graph graph = stem(each, false, precision);
      const Values values = draw(graph, 4, classes), together = run(graph, values, {});
      Values apart = run(stem(each, true, precision), values, {});
      apart.erase("normalised");
      EXPECT_TRUE(same_bits(together, apart)) << text_of(each.pool.kernel, " ", each.images, " ", each.channels);
      const CompileOptions threads{.threads = std::make_shared<ThreadPool>(3, 3)};
      EXPECT_TRUE(same_bits(together, run(graph, values, threads)));
    }
}

TEST(StemPooling, WithinBatchNormLetsANaNWin) {
  const auto nans = [](const Tensor& tensor) {
    return std::ranges::count_if(tensor.data<float>(), [](float x) { return std::isnan(x); });
  };
  for (const Precision precision : precisions()) {
    const Stem chosen{{16, 3, 8, 8}};
    const Graph graph = stem(chosen, false, precision);
    Values values = draw(graph, 5, classes);
    // inf x - inf mean: a NaN or 0, depending on the signs.
    values.at("bn1.weight").data<float>()[0] = INFINITY;
    const auto expected = nans(run(stem(chosen, true, precision), values, {}).at("pooled"));
    EXPECT_EQ(nans(run(graph, values, {}).at("pooled")), expected);
    EXPECT_GT(expected, 0);
  }
}

}  // namespace
}  // namespace resnet
