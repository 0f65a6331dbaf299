// Values worked out by hand, where finite differences do not reach or conventions differ between frameworks.
#include "base/error.hpp"
#include "graph/builder.hpp"
#include "graph/differentiate.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>

namespace resnet {
namespace {

Tensor tensor(const Shape& shape, std::initializer_list<float> values) {
  Tensor result(shape);
  std::ranges::copy(values, result.data<float>().begin());
  return result;
}

Tensor integers(const Shape& shape, std::initializer_list<int32_t> values) {
  Tensor result(shape, DType::i32);
  std::ranges::copy(values, result.data<int32_t>().begin());
  return result;
}

void expect_values(const Tensor& got, std::initializer_list<float> expected) {
  ASSERT_EQ(got.elements(), static_cast<int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float have = got.data<float>()[i], want = expected.begin()[i];
    EXPECT_TRUE(have == want || std::abs(have - want) <= 1e-6f * (1 + std::abs(want)))
        << have << " is not " << want << " at " << i;
  }
}

void expect_integers(const Tensor& got, std::initializer_list<int32_t> expected) {
  EXPECT_TRUE(std::ranges::equal(got.data<int32_t>(), expected));
}

class HandValues : public testing::TestWithParam<Backend> {
 protected:
  static Values run_op(const Op& op, const std::vector<Operand>& operands, const Values& values, bool gradient = true) {
    return run(training_graph({"op", op, operands, gradient}), values, {.backend = GetParam()});
  }
};

TEST_P(HandValues, ReluPassesNoGradientAtZero) {
  const Values result = run_op(Unary{.kind = UnaryKind::relu}, {data({1, 4})},
                               {{"x0", tensor({1, 4}, {-1, 0, 2, -0.0f})}, {"dy", tensor({1, 4}, {1, 1, 1, 1})}});
  expect_values(result.at("y0"), {0, 0, 2, 0});
  expect_values(result.at("dx0"), {0, 0, 1, 0});
}

TEST_P(HandValues, FusedReluPassesNoGradientAtZero) {
  const Values sum = run_op(
      Binary{.kind = BinaryKind::add, .relu = true}, {data({1, 3}), data({1, 3})},
      {{"x0", tensor({1, 3}, {1, -2, 3})}, {"x1", tensor({1, 3}, {-1, 1, 1})}, {"dy", tensor({1, 3}, {5, 6, 7})}});
  expect_values(sum.at("dx0"), {0, 0, 7});
  expect_values(sum.at("dx1"), {0, 0, 7});
  const Values normalised = run_op(BatchNorm{.relu = true}, {data({2, 1}), parameter({1}), parameter({1})},
                                   {{"x0", tensor({2, 1}, {1, 3})},
                                    {"x1", tensor({1}, {0})},
                                    {"x2", tensor({1}, {0})},
                                    {"dy", tensor({2, 1}, {1, 2})}});
  expect_values(normalised.at("dx1"), {0});
  expect_values(normalised.at("dx2"), {0});
}

TEST_P(HandValues, MaxPoolTakesTheFirstAmongEquals) {
  const Values result =
      run_op(MaxPool{.window = square_window(2, 2, 1)}, {data({1, 1, 3, 3})},
             {{"x0", tensor({1, 1, 3, 3}, {7, 1, 1, 2, 5, 5, 2, 5, 5})}, {"dy", tensor({1, 1, 2, 2}, {1, 2, 3, 4})}});
  expect_values(result.at("y0"), {7, 1, 2, 5});
  expect_integers(result.at("y1"), {0, 1, 3, 4});
  expect_values(result.at("dx0"), {1, 2, 0, 3, 4, 0, 0, 0, 0});
}

TEST_P(HandValues, MaxPoolOfNegativeValuesIgnoresPadding) {
  const Values result = run_op(MaxPool{.window = square_window(3, 2, 1)}, {data({1, 1, 2, 2})},
                               {{"x0", tensor({1, 1, 2, 2}, {-4, -3, -2, -5})}, {"dy", tensor({1, 1, 1, 1}, {1})}});
  expect_values(result.at("y0"), {-2});
  expect_integers(result.at("y1"), {2});
}

// torch.nn.AvgPool2d((1, 3), (1, 2), (0, 1), ceil_mode=True): the last window's divisor counts one padded column only.
TEST_P(HandValues, AveragePoolInCeilModeDividesAsPyTorch) {
  const Window window{.kernel_w = 3, .stride_w = 2, .pad_left = 1, .pad_right = 1};
  const Values values = {{"x0", tensor({1, 1, 1, 4}, {1, 2, 3, 4})}, {"dy", tensor({1, 1, 1, 3}, {6, 6, 6})}};
  const Values padded = run_op(AveragePool{window, true, true}, {data({1, 1, 1, 4})}, values);
  expect_values(padded.at("y0"), {1, 3, 2});
  expect_values(padded.at("dx0"), {2, 4, 2, 5});
  const Values inside = run_op(AveragePool{window, true, false}, {data({1, 1, 1, 4})}, values);
  expect_values(inside.at("y0"), {1.5f, 3, 4});
  expect_values(inside.at("dx0"), {3, 5, 2, 8});
}

TEST_P(HandValues, OptionATakesEverySecondPixelAndPadsChannels) {
  const Values result = run_op(Subsample{.stride = 2, .before = 1, .after = 1}, {data({1, 1, 3, 3})},
                               {{"x0", tensor({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9})},
                                {"dy", tensor({1, 3, 2, 2}, {9, 9, 9, 9, 1, 2, 3, 4, 9, 9, 9, 9})}});
  expect_values(result.at("y0"), {0, 0, 0, 0, 1, 3, 7, 9, 0, 0, 0, 0});
  expect_values(result.at("dx0"), {1, 0, 2, 0, 0, 0, 3, 0, 4});
}

TEST_P(HandValues, CrossEntropyOfEqualAndOfHugeLogits) {
  const std::vector<Operand> operands = {data({2, 2}), labels(2, 2)};
  const Values equal =
      run_op(CrossEntropy{}, operands,
             {{"x0", tensor({2, 2}, {3, 3, 0, 0})}, {"x1", integers({2}, {0, 1})}, {"dy", tensor({1}, {2})}});
  expect_values(equal.at("y0"), {std::log(2.0f)});
  expect_values(equal.at("y1"), {0.5f, 0.5f, 0.5f, 0.5f});
  expect_values(equal.at("dx0"), {-0.5f, 0.5f, 0.5f, -0.5f});
  const Values huge =
      run_op(CrossEntropy{}, operands,
             {{"x0", tensor({2, 2}, {1000, 0, 1000, 0})}, {"x1", integers({2}, {0, 1})}, {"dy", tensor({1}, {2})}});
  expect_values(huge.at("y0"), {500});
  expect_values(huge.at("dx0"), {0, 0, 1, -1});
}

// With 4 values 1, 2, 3, 6 per channel: mean 3, variance 14 / 4 biased and 14 / 3 unbiased.
TEST_P(HandValues, RunningVarianceIsUnbiased) {
  Builder net(Mode::training);
  const Value y = net.batch_norm("bn", net.input("x", {2, 1, 1, 2}));
  net.observe("y", y);
  const Graph graph = net.take();
  State held;
  initialise(held, graph, 1);
  const auto executable = compile(graph, held, {.backend = GetParam()});
  executable->set_input("x", tensor({2, 1, 1, 2}, {1, 2, 3, 6}));
  executable->run();
  const float deviation = std::sqrt(3.5f + 1e-5f);
  expect_values(executable->output("y"), {-2 / deviation, -1 / deviation, 0, 3 / deviation});
  expect_values(held.at("bn.running_mean"), {0.3f});
  expect_values(held.at("bn.running_var"), {0.9f + 0.1f * 14 / 3});
  executable->run();
  expect_values(held.at("bn.running_mean"), {0.57f});
  expect_values(held.at("bn.running_var"), {0.81f + 0.19f * 14 / 3});
}

// torch.optim.SGD(lr=0.5, momentum=0.5, weight_decay=0.25) on w = 4 with gradients 1, then 2.
TEST_P(HandValues, TwoStepsOfSgd) {
  const struct {
    Sgd op;
    float w1, v1, w2, v2;
  } rows[] = {
      {{.momentum = 0}, 3.5f, 1, 2.5f, 2},
      {{.momentum = 0.5f}, 3.5f, 1, 2.25f, 2.5f},
      {{.momentum = 0.5f, .nesterov = true}, 3.25f, 1, 1.625f, 2.5f},
      {{.momentum = 0.5f, .weight_decay = 0.25f}, 3, 2, 1.125f, 3.75f},
      {{.momentum = 0.5f, .weight_decay = 0.25f, .nesterov = true}, 2.5f, 2, 0.28125f, 3.625f},
  };
  for (const auto& row : rows) {
    Graph graph;
    const Value w = graph.add_state(ValueKind::parameter, "w", {1});
    const Value v = graph.add_state(ValueKind::momentum, "v", {1});
    const Value dw = graph.add_input("dw", {1}), rate = graph.add_input("rate", {1});
    const std::vector<Value> next = graph.add_node("sgd", row.op, {w, dw, v, rate}, Phase::update);
    graph.add_update(w, next[0]);
    graph.add_update(v, next[1]);
    State held;
    held.set("w", tensor({1}, {4}));
    held.set("v", tensor({1}, {0}));
    const auto executable = compile(graph, held, {.backend = GetParam()});
    executable->set_input("rate", tensor({1}, {0.5f}));
    executable->set_input("dw", tensor({1}, {1}));
    executable->run();
    expect_values(held.at("w"), {row.w1});
    expect_values(held.at("v"), {row.v1});
    executable->set_input("dw", tensor({1}, {2}));
    executable->run();
    expect_values(held.at("w"), {row.w2});
    expect_values(held.at("v"), {row.v2});
  }
}

TEST_P(HandValues, DropoutKeepsWhatTheKeySays) {
  const Shape shape{50, 4, 5, 5};
  Tensor ones(shape), key({1}, DType::i64);
  std::ranges::fill(ones.data<float>(), 1.0f);
  key.data<int64_t>()[0] = 42;
  for (const bool per_image : {false, true}) {
    const Dropout op{.probability = 0.25f, .per_image = per_image, .salt = 3};
    const Values result = run_op(op, {data(shape), random_key()}, {{"x0", ones}, {"x1", key}, {"dy", ones}});
    double mean = 0;
    for (std::size_t i = 0; i < 5000; ++i) {
      const bool keeps = dropout_keeps(42, 3, per_image ? i / 100 : i, 0.25f);
      EXPECT_FLOAT_EQ(result.at("y0").data<float>()[i], keeps ? 1 / 0.75f : 0);
      mean += static_cast<double>(result.at("y0").data<float>()[i]) / 5000;
    }
    EXPECT_NEAR(mean, 1, per_image ? 0.3 : 0.04);
    EXPECT_EQ(distance(result.at("y0"), result.at("dx0")), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, HandValues, testing::ValuesIn(backends),
                         [](const auto& test) { return name_of(test.param); });

TEST(ReferenceValues, MaxPoolLetsNaNThrough) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Graph graph = forward_graph({"pool", MaxPool{.window = square_window(2, 2)}, {data({1, 1, 2, 2})}});
  const Values result = run(graph, {{"x0", tensor({1, 1, 2, 2}, {1, nan, 3, 2})}}, {.backend = Backend::reference});
  EXPECT_TRUE(std::isnan(result.at("y0").data<float>()[0]));
  expect_integers(result.at("y1"), {1});
}

// bf16 has 8 significant bits: next to 1 the values lie 2^-7 apart, and ties go to the even one.
TEST(ReferenceValues, CastRoundsToBf16) {
  Graph graph;
  const Value x = graph.add_input("x", {6});
  const Value y = graph.add_node("narrow", Cast{DType::bf16}, {x})[0];
  graph.add_output("y", graph.add_node("widen", Cast{DType::f32}, {y})[0]);
  const Values result =
      run(graph, {{"x", tensor({6}, {1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.1p-8f, -3.1415926f, 3.4e38f, 0x1p-133f})}},
          {.backend = Backend::reference});
  expect_values(result.at("y"),
                {1, 1 + 0x1p-6f, 1 + 0x1p-7f, -3.140625f, std::numeric_limits<float>::infinity(), 0x1p-133f});
}

TEST(ReferenceValues, StopGradientStopsIt) {
  Graph graph;
  const Value x = graph.add_input("x", {2, 3});
  const Value stopped = graph.add_node("stop", StopGradient{}, {x})[0];
  const Value y = graph.add_node("scaled", Unary{.kind = UnaryKind::affine, .a = 2}, {stopped})[0];
  EXPECT_TRUE(differentiate(graph, {{y, {}}}, {x}).empty());
}

TEST(ReferenceValues, OutputsWithoutGradientAreRefused) {
  Graph graph;
  const Value x = graph.add_input("x", {4, 3}), c = graph.add_input("c", {3});
  const std::vector<Value> y = graph.add_node("bn", BatchNorm{}, {x, c, c});
  EXPECT_THROW(differentiate(graph, {{y[0], {}}, {y[1], {}}}, {x}), Error);
}

TEST(ReferenceValues, TrainingBatchNormRefusesOneValuePerChannel) {
  Graph graph;
  const Value x = graph.add_input("x", {1, 3, 1, 1}), c = graph.add_input("c", {3});
  EXPECT_THROW(graph.add_node("bn", BatchNorm{}, {x, c, c}), Error);
  EXPECT_NO_THROW(graph.add_node("bn", BatchNormInference{}, {x, c, c, c, c}));
}

}  // namespace
}  // namespace resnet
