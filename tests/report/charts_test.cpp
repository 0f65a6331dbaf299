#include "report/charts.hpp"

#include "base/error.hpp"
#include "report/architecture.hpp"
#include "report/axis.hpp"
#include "report/svg.hpp"
#include "well_formed.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace resnet {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

// Nothing that only a failed calculation would write.
void expect_sound(const std::string& svg) {
  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_FALSE(has(svg, "=\"nan") || has(svg, "inf\"") || has(svg, "-inf") || has(svg, " nan")) << svg.substr(0, 2000);
  EXPECT_FALSE(has(svg, " id=\"")) << "ids clash between charts of one page";
}

TEST(Ticks, AreNiceNumbersInsideTheRange) {
  EXPECT_EQ(nice_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(nice_ticks(-1, 1, 4), (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  EXPECT_EQ(nice_ticks(1, 3, 8, true), (std::vector<double>{1, 2, 3}));
  for (const double low : {-7.3, 0.0, 0.001, 12345.6})
    for (const double range : {1e-6, 0.37, 9.0, 4.2e5}) {
      const auto ticks = nice_ticks(low, low + range, 6);
      ASSERT_GE(ticks.size(), 2U) << low << " " << range;
      ASSERT_LE(ticks.size(), 13U);
      EXPECT_GE(ticks.front(), low - 1e-5 * range);
      EXPECT_LE(ticks.back(), low + range * (1 + 1e-5));
    }
}

TEST(Ticks, LogarithmicAreDecades) {
  EXPECT_EQ(log_ticks(1e-6, 1, 8).size(), 7U);
  EXPECT_EQ(log_ticks(1, 10, 6).size(), 4U);  // 1 2 5 10
  EXPECT_GE(log_ticks(3.1, 3.9, 6).size(), 2U);
  EXPECT_GE(log_ticks(0.79, 3.05, 6).size(), 3U);  // 1 and 2 alone are too few to read by
  EXPECT_LE(log_ticks(1e-300, 1e300, 6).size(), 8U);
}

TEST(Ticks, AreWrittenAlike) {
  EXPECT_EQ(tick_texts(std::vector<double>{0, 0.25, 0.5}), (std::vector<std::string>{"0", "0.25", "0.50"}));
  EXPECT_EQ(tick_texts(std::vector<double>{0, 20000, 40000}), (std::vector<std::string>{"0", "20k", "40k"}));
  EXPECT_EQ(tick_texts(std::vector<double>{1e-6, 1e-5}), (std::vector<std::string>{"1e-06", "1e-05"}));
  EXPECT_EQ(tick_texts(std::vector<double>{0.01, 0.1, 1, 10}), (std::vector<std::string>{"0.01", "0.1", "1", "10"}));
  EXPECT_EQ(tick_texts(std::vector<double>{1e-5, 1e-3, 0.1}), (std::vector<std::string>{"1e-05", "1e-03", "1e-01"}));
  EXPECT_EQ(tick_texts(std::vector<double>{0.0001, 0.001}), (std::vector<std::string>{"0.0001", "0.0010"}));
  EXPECT_EQ(tick_texts(std::vector<double>{1, 1e3, 1e6}), (std::vector<std::string>{"1e+00", "1e+03", "1e+06"}));
  EXPECT_EQ(tick_texts(std::vector<double>{1e2, 1e3, 1e4}), (std::vector<std::string>{"0.1k", "1k", "10k"}));
  EXPECT_TRUE(tick_texts({}).empty());
}

TEST(LineChart, EscapesEveryText) {
  const std::string evil = "<script>&\"'";
  const std::string svg =
      draw(LineChart{.title = evil, .x_label = evil, .y_label = evil, .series = {{evil, {1, 2}, {1, 2}}, {evil}}});
  expect_sound(svg);
  EXPECT_FALSE(has(svg, "<script>"));
  EXPECT_TRUE(has(svg, "&lt;script&gt;"));
}

TEST(LineChart, SurvivesAnyData) {
  const std::vector<std::vector<double>> columns = {{},
                                                    {1},
                                                    {nan},
                                                    {nan, nan, nan},
                                                    {infinity, -infinity},
                                                    {1, nan, 2, infinity, 3},
                                                    {0, 0, 0},
                                                    {-1, 0, 1},
                                                    {1e308, -1e308},
                                                    {1e-320, 1},
                                                    {5, 5, 5},
                                                    {1e15, 1e15 + 1},
                                                    {-3, -2},
                                                    {1e-12, 1e12}};
  for (const auto& y : columns)
    for (const Scale scale : {Scale::linear, Scale::logarithmic}) {
      std::vector<double> x(y.size());
      std::iota(x.begin(), x.end(), 0.0);
      expect_sound(draw(LineChart{.y_scale = scale, .series = {{"a", x, y}, {"b", y, x, y, y}}}));
      expect_sound(draw(LineChart{.x_scale = scale, .series = {{"a", y, y}}, .y_low = nan, .y_high = -1e9}));
    }
  EXPECT_TRUE(has(draw(LineChart{}), "no data to show"));
}

TEST(LineChart, SaysWhatItLeavesOut) {
  const std::string svg = draw(LineChart{.series = {{"loss", {1, 2, 3, 4, 5}, {1, nan, 2, 3, infinity}}}});
  EXPECT_TRUE(has(svg, "2 points not shown"));
  EXPECT_EQ(count_of(svg, "rc-line\""), 1U) << "a gap after the first point, then one stretch of two";
  EXPECT_TRUE(has(draw(LineChart{.series = {{"one", {3}, {4}}}}), "rc-mark"));
}

TEST(LineChart, KeepsThePeaksOfALongCurve) {
  Series series{.name = "loss"};
  for (int step = 0; step < 200'000; ++step) {
    series.x.push_back(step);
    series.y.push_back(step == 123'456 ? 100 : 1 + 0.1 * std::sin(step));
  }
  const std::string svg = draw(LineChart{.series = {series}});
  EXPECT_LT(svg.size(), 100'000U);
  const std::size_t line = svg.find("<path d=\"M", svg.find("viewBox", 20));
  const std::string commands = svg.substr(line, svg.find("class", line) - line);
  EXPECT_TRUE(has(commands, " 14L") || has(commands, " 14 ")) << "the peak reaches the top of the plot";
}

TEST(LineChart, AsAScatterMarksEveryPoint) {
  Series series{.name = "a"};
  for (int k = 0; k < 100; ++k) {
    series.x.push_back(k % 10);
    series.y.push_back(k / 10);
  }
  const std::string svg = draw(LineChart{.series = {series, {"b", {1}, {1}}}, .joined = false});
  expect_sound(svg);
  EXPECT_EQ(count_of(svg, "\"rc-mark\""), 101U + 2U) << "the points and the legend";
  EXPECT_FALSE(has(svg, "class=\"rc-line\""));
}

TEST(LineChart, OpenSeriesLeaveTheCurveBelowThemToBeSeen) {
  const std::vector<double> x = {0, 1, 2};
  Series below{.name = "input", .x = x, .y = x}, above{.name = "output", .x = x, .y = x};
  above.open = true;
  const std::string svg = draw(LineChart{.series = {below, above}});
  expect_sound(svg);
  EXPECT_EQ(count_of(svg, "class=\"rc-line\""), 2U);  // the curve below and its name; none for the open one
  EXPECT_EQ(count_of(svg, "class=\"rc-open\""), 3U + 1U);
  EXPECT_EQ(count_of(svg, "class=\"rc-mark\""), 3U + 1U);
}

TEST(LineChart, RowsOfTheLegendDoNotPressTheCurves) {
  const auto height_of = [](std::size_t names) {
    LineChart chart;
    for (std::size_t k = 0; k < names; ++k)
      chart.series.push_back({.name = "a rather long name " + std::to_string(k), .x = {0, 1}, .y = {0, 1}});
    const std::string svg = draw(chart);
    const std::size_t at = svg.find("viewBox=\"0 0 540 ") + 17;
    return std::stod(svg.substr(at));
  };
  EXPECT_EQ(height_of(2), 320);
  EXPECT_GT(height_of(7), 320);
}

TEST(LineChart, SeriesDifferWithoutColour) {
  EXPECT_EQ(dash(0), "");
  for (int index = 1; index < palette_size; ++index) EXPECT_NE(dash(index), dash(index - 1));
  EXPECT_EQ(dash(palette_size), dash(0));
}

TEST(BarChart, SurvivesAnyData) {
  expect_sound(draw(BarChart{}));
  expect_sound(draw(BarChart{.categories = {"a<b", "c"}, .groups = {{"g&", {nan, -2}, {1, nan}}, {"h", {infinity}}}}));
  BarChart many{.title = "per class", .groups = {{"top-1", {}}}};
  for (int index = 0; index < 1000; ++index) {
    many.categories.push_back("a rather long class name " + std::to_string(index));
    many.groups[0].values.push_back(index % 7);
  }
  expect_sound(draw(many));
}

TEST(HeatMap, SurvivesAnyData) {
  expect_sound(draw(HeatMap{}));
  expect_sound(draw(HeatMap{.row_labels = {"<", ">"}, .column_labels = {"&"}, .values = {nan, infinity}}));
  expect_sound(draw(HeatMap{.row_labels = {"a"}, .column_labels = {"b"}, .values = {3}, .low = 5, .high = 1}));
  EXPECT_THROW(draw(HeatMap{.row_labels = {"a"}, .column_labels = {"b"}, .values = {}}), Error);
}

TEST(HeatMap, HasRoomForItsNumbersAndTheNameOfItsRows) {
  const std::string name = "from input to output";
  const std::string svg = draw(HeatMap{.y_label = name,
                                       .row_labels = {"conv1"},
                                       .column_labels = std::vector<std::string>(60, "62900"),
                                       .values = std::vector<double>(60, -0.7201),
                                       .low = -1234.5e10,
                                       .high = -0.7201});
  const std::size_t size = svg.find("viewBox=\"0 0 ") + 13;
  const double width = std::stod(svg.substr(size)), height = std::stod(svg.substr(svg.find(' ', size)));
  const auto coordinate_of = [&](const std::string& text, const std::string& axis) {
    const std::size_t element = svg.rfind("<text", svg.find('>' + text + '<'));
    return std::stod(svg.substr(svg.find(' ' + axis + "=\"", element) + axis.size() + 3));
  };
  EXPECT_LE(coordinate_of("-1.234e+13", "x") + text_width("-1.234e+13"), width);
  EXPECT_LE(coordinate_of(name, "y") + text_width(name) / 2, height);
  EXPECT_LE(count_of(svg, ">62900<"), 30U) << "slanted labels lie on each other";
}

TEST(HeatMap, ConfusionIsTheShareOfARow) {
  const std::vector<int64_t> counts = {3, 1, 0, 0};
  const HeatMap map = confusion_matrix(counts, {"cat", "dog"});
  EXPECT_EQ(map.values, (std::vector<double>{0.75, 0.25, 0, 0}));
  EXPECT_EQ(map.cell_text[0], "3");
  EXPECT_THROW(confusion_matrix(counts, {"cat"}), Error);
  const std::vector<int64_t> hundred(10'000, 1);
  expect_sound(draw(confusion_matrix(hundred, std::vector<std::string>(100, "class"))));
}

TEST(Architecture, CollapsesRepeatedBlocks) {
  std::vector<DrawnBlock> blocks;
  for (int index = 0; index < 36; ++index)
    blocks.push_back({"layer3." + std::to_string(index), "bottleneck", "1024 x 14 x 14",
                      index == 0 ? DrawnShortcut::projection : DrawnShortcut::identity});
  const auto kept = collapse(blocks);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[1].repeat, 35);
  EXPECT_EQ(kept[1].name, "layer3.1 … layer3.35");
  const std::string svg = draw(ArchitectureDrawing{.title = "a & b", .stages = {{"layer3", blocks}, {"empty"}}});
  expect_sound(svg);
  EXPECT_TRUE(has(svg, "×35"));
  expect_sound(draw(ArchitectureDrawing{}));
}

}  // namespace
}  // namespace resnet
