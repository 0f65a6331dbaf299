// What many draws of a network say, and the formula behind residual networks in numbers.
#include "study/flow.hpp"

#include "base/error.hpp"
#include "study/flow_report.hpp"
#include "study/gradient_flow_report.hpp"
#include "study/jacobian.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace resnet::test {
namespace {

constexpr FlowKind kinds[] = {FlowKind::plain, FlowKind::residual, FlowKind::plain_norm, FlowKind::residual_norm,
                              FlowKind::pre_activation};

TEST(Statistics, QuantilesAreNumpys) {
  // numpy.quantile([1, 2, 4, 8], [0, 0.25, 0.5, 0.9, 1])
  const double sorted[] = {1, 2, 4, 8};
  const double expected[] = {1, 1.75, 3, 6.8, 8}, shares[] = {0, 0.25, 0.5, 0.9, 1};
  for (std::size_t k = 0; k < 5; ++k) EXPECT_DOUBLE_EQ(quantile(sorted, shares[k]), expected[k]);
}

TEST(Statistics, SummaryLeavesOutWhatIsNotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {3, infinity, 1, std::nan(""), 2, -infinity};
  const Summary summary = summarise(values, Rng(0, "test"));
  EXPECT_EQ(summary.count, 3);
  EXPECT_EQ(summary.median, 2);
  EXPECT_EQ(summary.q1, 1.5);
  const Summary none = summarise(std::vector<double>{infinity}, Rng(0, "test"));
  EXPECT_EQ(none.count, 0);
  EXPECT_TRUE(std::isnan(none.median));
}

TEST(Statistics, AFewValuesHaveNoInterval) {
  for (const std::size_t count : {0, 1, 2, 5, 6}) {
    std::vector<double> values;
    for (std::size_t k = 0; k < count; ++k) values.push_back(static_cast<double>(k));
    const Summary summary = summarise(values, Rng(0, "few"));
    EXPECT_EQ(summary.has_interval(), count >= fewest_for_interval) << count;
    EXPECT_EQ(to_json(summary)["median_low"].dump() == "null", count < fewest_for_interval) << count;
    EXPECT_FALSE(quartiles(values).has_interval());
  }
  EXPECT_EQ(too_few_text(1, "seed"), "1 seed is too few for a 95 % interval (at least 6)");
  EXPECT_EQ(too_few_text(2, "seed"), "2 seeds are too few for a 95 % interval (at least 6)");
}

TEST(Statistics, IntervalCoversTheMedianAsOftenAsItSays) {
  // 200 samples of 50 normal numbers: the 95 % interval should miss the true median 0 about 10 times.
  int missed = 0;
  for (uint64_t sample = 0; sample < 200; ++sample) {
    Rng rng(1, "coverage", {sample});
    std::vector<double> values(50);
    for (double& x : values) x = rng.normal();
    const Summary summary = summarise(values, Rng(2, "bootstrap", {sample}));
    EXPECT_LE(summary.low, summary.median);
    EXPECT_GE(summary.high, summary.median);
    missed += summary.low > 0 || summary.high < 0 ? 1 : 0;
  }
  EXPECT_GE(missed, 2);
  EXPECT_LE(missed, 22);
}

TEST(Flow, NetworksHaveTheirLayersAndBlocks) {
  for (const FlowKind kind : kinds) {
    SCOPED_TRACE(name_of(kind));
    const FlowNetwork network{.kind = kind, .depth = 4, .input_width = 5, .width = 7, .examples = 6};
    const WatchedGraph found = watch(flow_graph(network));
    EXPECT_EQ(found.layers.size(), static_cast<std::size_t>(network.layers()));
    EXPECT_EQ(found.blocks.size(), is_residual(kind) ? 4 : 0);
    const FlowSample sample = FlowTrials(network, 0, FlowDetail::all).run(0);
    EXPECT_EQ(sample.dw.size(), static_cast<std::size_t>(network.layers()));
    EXPECT_EQ(sample.stream.size(), is_residual(kind) ? 5 : 3);
    EXPECT_EQ(sample.shortcut.size(), is_residual(kind) ? 4 : 0);
  }
}

TEST(Flow, ATrialDependsOnItsNumberOnly) {
  for (const FlowKind kind : kinds) {
    const FlowNetwork network{.kind = kind, .depth = 3, .examples = 4};
    FlowTrials one(network, 7, FlowDetail::all), other(network, 7, FlowDetail::all);
    one.run(0);
    EXPECT_EQ(one.run(5).dw, other.run(5).dw) << name_of(kind);
    EXPECT_NE(one.run(4).dw, other.run(5).dw) << name_of(kind);
  }
}

TEST(Flow, EndsAreThoseOfTheWhole) {
  for (const FlowKind kind : kinds)
    for (const int64_t depth : {2, 3, 5}) {
      const FlowNetwork network{.kind = kind, .depth = depth, .examples = 4};
      const FlowSample all = FlowTrials(network, 1, FlowDetail::all).run(2);
      const FlowSample ends = FlowTrials(network, 1, FlowDetail::ends).run(2);
      EXPECT_EQ(ends.dw, (std::vector<double>{all.dw.front(), all.dw.back()})) << name_of(kind) << depth;
      EXPECT_EQ(ends.stream, (std::vector<double>{all.stream.front(), all.stream.back()})) << name_of(kind) << depth;
    }
}

TEST(Flow, SamplesSurviveTheirStoring) {
  const FlowNetwork network{.kind = FlowKind::residual, .depth = 3};
  const FlowSample sample = FlowTrials(network, 1, FlowDetail::all).run(0);
  const FlowSample read = flow_sample_from(Json::parse(text_of_json(to_json(sample))));
  EXPECT_EQ(read.dw, sample.dw);
  EXPECT_EQ(read.stream, sample.stream);
  EXPECT_EQ(read.branch, sample.branch);
  EXPECT_THROW(flow_sample_from(Json::array()), Json::exception);
}

/// Medians over 400 draws: what the study's sentences rest on.
FlowSummary summary_over_draws(FlowKind kind, int64_t depth, int64_t examples) {
  FlowTrials trials({.kind = kind, .depth = depth, .examples = examples}, 3, FlowDetail::ends);
  FlowGroup group{.name = "test", .kind = "test", .samples = {}};
  for (int64_t trial = 0; trial < 400; ++trial) group.samples.push_back(trials.run(trial));
  return summary_of(group, 0);
}

TEST(Flow, PlainRatioHardlyChangesAndResidualGradientsExplode) {
  // Medians of the notebook's networks in NumPy: 1.8 at depth 5, 2.8 at depth 30 (600 draws).
  EXPECT_NEAR(summary_over_draws(FlowKind::plain, 5, 1).dw_ratio.median, 1.8, 0.3);
  EXPECT_NEAR(summary_over_draws(FlowKind::plain, 30, 1).dw_ratio.median, 2.8, 0.7);
  const FlowSummary residual = summary_over_draws(FlowKind::residual, 20, 1);
  EXPECT_NEAR(residual.dw_ratio.median, 1.2, 0.3);
  EXPECT_EQ(trend_text(residual.stream_ratio), "explodes");
  EXPECT_GT(residual.first_dw.median, 1e4);
  EXPECT_EQ(health_of(summary_over_draws(FlowKind::pre_activation, 20, 16).stream_ratio), Finding::holds);
}

TEST(Flow, DeadNetworksAreCountedAndLeftOut) {
  // Two units: a layer is off with probability 1/4 on one example.
  FlowTrials trials({.kind = FlowKind::plain, .depth = 10, .input_width = 2, .width = 2}, 0, FlowDetail::ends);
  FlowGroup group{.name = "narrow", .kind = "plain", .samples = {}};
  for (int64_t trial = 0; trial < 200; ++trial) group.samples.push_back(trials.run(trial));
  const FlowSummary summary = summary_of(group, 0);
  EXPECT_GT(summary.dead, 100);
  EXPECT_LT(summary.dead, 200);
  EXPECT_EQ(summary.dw_ratio.count + summary.dead, 200);
}

TEST(Flow, SharesOfTheGradient) {
  const FlowSample sample{.dw = {1}, .stream = {1}, .x = {1, 1}, .shortcut = {3, 1}, .branch = {1, 1}};
  EXPECT_EQ(shortcut_shares(sample), (std::vector<double>{0.75, 0.5}));
}

TEST(Flow, TrendsGoByTheWholeInterval) {
  const auto ratio = [](double low, double high) { return Summary{.count = 9, .low = low, .high = high}; };
  const struct {
    double low, high;
    const char* trend;
    Finding healthy;
  } rows[] = {{0.2, 5, "stays within tenfold", Finding::holds},
              {5, 20, "stays within tenfold or grows", Finding::holds},
              {11, 20, "grows", Finding::holds},
              {11, 2000, "grows or explodes", Finding::undecided},
              {1001, 2000, "explodes", Finding::fails},
              {0.01, 0.09, "shrinks", Finding::holds},
              {0.0001, 0.0009, "vanishes", Finding::fails},
              {0.0001, 2000, "vanishes or explodes", Finding::undecided}};
  for (const auto& [low, high, trend, healthy] : rows) {
    EXPECT_EQ(trend_text(ratio(low, high)), trend);
    EXPECT_EQ(health_of(ratio(low, high)), healthy) << trend;
  }
  const Summary few = quartiles(std::vector<double>{5000, 6000});
  EXPECT_EQ(trend_text(few), "is not judged by 2 trials");
  EXPECT_EQ(health_of(few), Finding::undecided);
  EXPECT_EQ(better(few), Finding::undecided);
}

// dL/dx = dL/dy (dF/dx + I): the Jacobian of the whole block, found without any gradient, is that of F plus one.
TEST(Jacobian, OfABlockIsThatOfItsBranchPlusIdentity) {
  constexpr std::size_t width = 9;
  for (uint64_t index = 0; index < 10; ++index) {
    const BlockJacobians jacobians = block_jacobians(width, 4, index);
    ASSERT_EQ(jacobians.of_block.size(), width * width);
    ASSERT_EQ(jacobians.of_branch.size(), width * width);
    double largest_of_branch = 0;
    for (std::size_t row = 0; row < width; ++row)
      for (std::size_t column = 0; column < width; ++column) {
        const std::size_t entry = row * width + column;
        EXPECT_NEAR(jacobians.of_block[entry], jacobians.of_branch[entry] + (row == column ? 1 : 0), 1e-8)
            << row << ", " << column;
        largest_of_branch = std::max(largest_of_branch, std::abs(jacobians.of_branch[entry]));
      }
    EXPECT_GT(largest_of_branch, 0.1);  // F is no constant
  }
  const JacobianCheck check = check_jacobians(16, 5, 0);
  EXPECT_LT(check.largest_difference, 1e-8);
  EXPECT_GT(check.largest_entry, 1);
}

}  // namespace
}  // namespace resnet::test
