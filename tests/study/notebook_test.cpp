// The notebook's numbers are NumPy's: notebook_fixtures.py wrote what they are held against.
#include "support/places.hpp"

#include "base/files.hpp"
#include "study/notebook.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace resnet::test {
namespace {

Json fixture(const std::string& name) {
  return Json::parse(read_file(tests_folder() / "study" / (name + ".json"), 1 << 22));
}

/// Equal structure, equal words, and numbers equal to 1e-10 of their size.
void expect_same(const Json& expected, const Json& got, const std::string& where) {
  constexpr double tolerance = 1e-10;
  ASSERT_EQ(expected.is_number(), got.is_number()) << where;
  if (expected.is_number()) {
    const double a = expected.get<double>(), b = got.get<double>();
    EXPECT_LE(std::abs(a - b), tolerance * std::abs(a)) << where << ": " << a << " and " << b;
  } else if (expected.is_structured()) {
    ASSERT_EQ(expected.is_array(), got.is_array()) << where;
    ASSERT_EQ(expected.size(), got.size()) << where;
    for (const auto& [key, value] : expected.items()) {
      const std::string at = where + "/" + key;
      ASSERT_TRUE(expected.is_array() || got.contains(key)) << at;
      expect_same(value, expected.is_object() ? got[key] : got[static_cast<std::size_t>(std::stoul(key))], at);
    }
  } else {
    EXPECT_EQ(expected, got) << where;
  }
}

NotebookResult notebook_of(const NotebookOptions& options, uint32_t seed = 42) {
  NumpyRandom random(seed);
  return run_notebook(options, random, [] {});
}

TEST(NumpyRandom, DrawsNumpysNumbers) {
  for (const Json& expected : fixture("numpy_random")) {
    NumpyRandom random(expected["seed"].get<uint32_t>());
    SCOPED_TRACE(expected["seed"].dump());
    Json normal = Json::array(), uniform = Json::array(), after = Json::array();
    for (int k = 0; k < 5; ++k) normal.push_back(random.normal());
    for (int k = 0; k < 4; ++k) uniform.push_back(random.uniform());
    for (int k = 0; k < 1002; ++k) {
      const double x = random.normal();
      if (k >= 999) after.push_back(x);
    }
    expect_same(expected["normal"], normal, "normal");
    EXPECT_EQ(expected["uniform"], uniform);
    expect_same(expected["after"], after, "after");
  }
}

TEST(Notebook, EqualsNumpy) { expect_same(fixture("notebook_default"), to_json(notebook_of({})), ""); }

TEST(Notebook, EqualsNumpyWithTheReceivedNumbers) {
  const NotebookOptions received{.width = 36, .depth = 28, .depths = {5, 20, 20, 30, 49}, .patterns = 35};
  expect_same(fixture("notebook_received"), to_json(notebook_of(received)), "");
}

TEST(Notebook, PrintsItsLines) {
  const NotebookOptions options{.depths = {5, 10}};
  const NotebookResult result = notebook_of(options);
  const StudyReport report = notebook_report(options, result, 42);
  const std::string text = printed_lines(options, result, report);
  for (const char* line : {"Created Plain Network with 10 layers\n", "Created ResNet with 10 residual blocks\n",
                           "Plain Network - First layer gradient: 91.213143\n", "Generated 30 pattern samples\n",
                           "Identity error ||F(x) + x - x||: 0.000003\n",
                           "Depth  5: Plain=    2.12, ResNet=  1.63 (ResNet is 1.3x better)\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  EXPECT_EQ(report.claims().size(), 10);
  for (const Claim& claim : report.claims())
    EXPECT_NE(text.find("- " + claim.statement + "\n  " + std::string(name_of(claim.finding)) + ": " + claim.found),
              std::string::npos)
        << claim.statement << " in\n"
        << text;
}

TEST(Notebook, OptionsReachTheNumbers) {
  NotebookOptions options{.input_width = 5, .width = 7, .depth = 2, .depths = {2, 2}, .patterns = 4, .pattern_size = 6};
  options.noise = 0;
  options.scale = 0;
  const NotebookResult result = notebook_of(options, 1);
  EXPECT_EQ(result.plain.norms.size(), 2);
  EXPECT_EQ(result.residual.norms.size(), 4);
  EXPECT_EQ(result.labels, (std::vector<int>{0, 1, 2, 0}));
  for (std::size_t pixel = 0; pixel < 36; ++pixel) {
    EXPECT_EQ(result.images[0][pixel], pixel / 6 == 2 ? 1 : 0);
    EXPECT_EQ(result.images[1][pixel], pixel % 6 == 3 ? 1 : 0);
    EXPECT_EQ(result.images[2][pixel], pixel / 6 == pixel % 6 ? 1 : 0);
  }
  EXPECT_EQ(result.identity_input.size(), 7);
  EXPECT_EQ(result.identity_error, 0);
  ASSERT_EQ(result.depths.size(), 2);
  EXPECT_NE(result.depths[0].plain, result.depths[1].plain);  // the stream goes on
}

TEST(Notebook, GradientOfABlockIsBranchPlusShortcut) {
  const NotebookResult result = notebook_of({});
  EXPECT_LT(result.residual.largest_sum_error, 1e-14);
  EXPECT_LT(result.residual.largest_output_error, 1e-14);
  EXPECT_GT(result.residual.least_gain, 0.5);
}

}  // namespace
}  // namespace resnet::test
