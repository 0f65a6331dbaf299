// Study identity, made small: known slopes, the control without blocks, and that stops and threads change nothing.
#include "study/identity.hpp"
#include "small_study.hpp"

#include <cmath>

namespace resnet::test {
namespace {

using Identity = SmallStudy;

const StudyChanges small = {{"--trials", "60"},  {"--width", "4"},  {"--seeds", "12"},
                            {"--depths", "2,6"}, {"--steps", "30"}, {"--batch", "8"}};

const Json& learned(const Json& results, const std::string& kind, int depth) {
  for (const Json& one : results["learning"])
    if (one["kind"] == kind && one["depth"] == depth) return one;
  fail("no ", kind, " at ", depth);
}

TEST(LogarithmicSlope, IsThatOfAPower) {
  const std::vector<double> x = {0.01, 0.1, 1, 10};
  std::vector<double> y;
  for (const double value : x) y.push_back(3 * std::pow(value, -1.5));
  EXPECT_NEAR(logarithmic_slope(x, y), -1.5, 1e-12);
  y[0] = 0;  // no logarithm: left out
  EXPECT_NEAR(logarithmic_slope(x, y), -1.5, 1e-12);
  EXPECT_TRUE(std::isnan(logarithmic_slope({1}, {1})));
  EXPECT_TRUE(std::isnan(logarithmic_slope({1, 1}, {1, 2})));
}

TEST_F(Identity, ErrorGrowsWithAPowerForEachMatrix) {
  const Json results = run("identity", "run", small);
  ASSERT_EQ(results["block"]["branches"].size(), 3);
  for (const Json& branch : results["block"]["branches"]) {
    const auto layers = branch["layers"].get<double>();
    EXPECT_NEAR(branch["slope"].get<double>(), layers, 1e-3);
    EXPECT_NEAR(branch["trial_slope"]["median"].get<double>(), layers, 1e-3);
  }
  const Json& error = results["block"]["relative_error"];
  EXPECT_EQ(error["count"], 60);
  EXPECT_LT(error["median"].get<double>(), 1e-5);
  EXPECT_LE(error["median_low"].get<double>(), error["median"].get<double>());
  EXPECT_LE(error["median"].get<double>(), error["median_high"].get<double>());
}

TEST_F(Identity, WithoutBlocksAllKindsAreOneNetwork) {
  const Json results = run("identity", "run", small);
  const Json &plain = learned(results, "plain", 2), &residual = learned(results, "residual", 2);
  EXPECT_EQ(plain["error"], residual["error"]);
  EXPECT_EQ(plain["curve"], learned(results, "near-identity", 2)["curve"]);
  EXPECT_EQ(residual["better_than_plain"], 0);
  EXPECT_EQ(residual["log10_plain_over_this"]["median"], 0);
  for (const char* kind : {"plain", "residual", "near-identity"}) {
    EXPECT_EQ(learned(results, kind, 6)["parameters"], plain["parameters"].get<int>() + 4 * (8 * 8 + 8)) << kind;
    EXPECT_EQ(learned(results, kind, 6)["layers"], 6) << kind;
  }
}

TEST_F(Identity, NearIdentityNetworksLearnIt) {
  StudyChanges longer = small;
  longer["--steps"] = "200";
  const Json results = run("identity", "run", longer);
  const double shallow = learned(results, "plain", 2)["error"]["median"];
  EXPECT_LT(shallow, 0.5);
  EXPECT_LT(learned(results, "near-identity", 6)["error"]["median"].get<double>(), 3 * shallow);
  EXPECT_LT(learned(results, "near-identity", 6)["branch_at_end"]["median"].get<double>(), 0.1);
  for (const Json& one : results["learning"]) {
    const auto quality = [](const Json& tried) {
      return std::pair(tried["largest_error"].get<double>(), tried["median_error"].get<double>());
    };
    const Json& best = *std::ranges::min_element(one["tuning"], {}, quality);
    EXPECT_EQ(best["learning_rate"], one["learning_rate"]);
  }
}

TEST_F(Identity, StopsAndThreadsChangeNothing) {
  run("identity", "whole", small, 1);
  run("identity", "part", small, 2);
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
  cut("part", 40);
  run("identity", "part", small, 2);
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
  EXPECT_EQ(bytes("part/figures/error-over-depth.svg"), bytes("whole/figures/error-over-depth.svg"));
}

TEST_F(Identity, CountsBlocksWhereAsked) {
  StudyChanges blocks = small;
  blocks["--count"] = "blocks";
  blocks["--depths"] = "3";
  const Json results = run("identity", "run", blocks);
  EXPECT_EQ(learned(results, "plain", 3)["layers"], 3);
  EXPECT_EQ(learned(results, "residual", 3)["layers"], 8);
  blocks["--count"] = "layers";
  EXPECT_THROW(run("identity", "odd", blocks), Error);
  EXPECT_FALSE(fs::exists(folder / "odd"));
}

}  // namespace
}  // namespace resnet::test
