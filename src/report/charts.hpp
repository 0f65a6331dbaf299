// Charts as SVG text: lines, bars and heat maps. Each is complete in itself: it can stand alone in a .svg file or be
// put into a page beside others (no ids, one shared class prefix), and follows the reader's light or dark scheme.
// Series differ by colour (Okabe & Ito's colour-blind-safe palette), dash and marker.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace resnet {

/// Of a chart that nobody gave a size: two stand side by side on a page without being scaled down.
inline constexpr int chart_width = 540, chart_height = 320;

enum class Scale { linear, logarithmic };

/// One curve. Points whose x or y is not finite (or not positive on a logarithmic axis) leave a gap and are counted in
/// a note below the chart. If `x` is shorter than `y`, points are cut to the shorter.
struct Series {
  std::string name = {};
  std::vector<double> x = {}, y = {};
  /// A shaded band from low to high around the curve (spread over seeds); empty for none, else as long as y.
  std::vector<double> low = {}, high = {};
  /// Open markers without a line: what lies exactly on another curve leaves it to be seen.
  bool open = false;
};

struct LineChart {
  std::string title = {};
  std::string x_label = {};  // with its unit: "time (s)"
  std::string y_label = {};
  Scale x_scale = Scale::linear;
  Scale y_scale = Scale::linear;
  std::vector<Series> series = {};
  /// False: a scatter of points, all of them marked and none joined.
  bool joined = true;
  /// Fixed ends of the y axis (a curve is clipped there); by default the data decides.
  std::optional<double> y_low = {}, y_high = {};
  int width = chart_width, height = chart_height;
};

/// One group of bars: a value for each category. `deviation` (as long as values, or empty) draws error bars of +- it.
struct BarGroup {
  std::string name = {};
  std::vector<double> values = {};
  std::vector<double> deviation = {};
};

struct BarChart {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  std::vector<std::string> categories = {};
  std::vector<BarGroup> groups = {};
  std::optional<double> y_high = {};
  int width = chart_width, height = chart_height;
};

/// A matrix of cells from pale (low) to deep (high); a cell that is not finite is hatched out in grey.
struct HeatMap {
  std::string title = {};
  std::string x_label = {}, y_label = {};
  std::vector<std::string> row_labels = {}, column_labels = {};
  std::vector<double> values = {};            // [rows, columns], row-major; rows and columns are those of the labels
  std::vector<std::string> cell_text = {};    // shown inside the cells, same layout; empty for none
  std::optional<double> low = {}, high = {};  // the ends of the colour scale; by default those of the data
  int width = 640;
};

/// As one <svg> element. No input makes these throw but a HeatMap whose sizes disagree (Error).
std::string draw(const LineChart& chart);
std::string draw(const BarChart& chart);
std::string draw(const HeatMap& map);

/// Rows are the true classes, columns the predicted ones, coloured by the share of the row, with the counts inside
/// (left out beyond 20 classes, the labels beyond 40). counts: [classes, classes], row-major.
HeatMap confusion_matrix(std::span<const int64_t> counts, const std::vector<std::string>& classes);

}  // namespace resnet
