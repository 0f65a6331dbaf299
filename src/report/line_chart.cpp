#include "report/charts.hpp"
#include "report/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

struct Point {
  double x, y;  // pixels
};

// A stretch of a curve without gaps.
using Run = std::vector<Point>;

// Up to here every point is marked.
constexpr std::size_t few_points = 32;

struct Plot {
  const Axis& x;
  const Axis& y;
  PlotArea area;

  Point at(double x_value, double y_value) const {
    // Far outside the frame a coordinate says no more than "outside".
    const auto bounded = [](double share) { return std::clamp(share, -50.0, 50.0); };
    return {area.left + bounded(x.at(x_value)) * area.width, area.bottom() - bounded(y.at(y_value)) * area.height};
  }
  bool contains(Point point) const {
    constexpr double slack = 0.5;
    return point.x >= area.left - slack && point.x <= area.right() + slack && point.y >= area.top - slack &&
           point.y <= area.bottom() + slack;
  }
};

std::size_t length_of(const Series& series) { return std::min(series.x.size(), series.y.size()); }

std::vector<Run> runs_of(const Series& series, const std::vector<double>& values, const Plot& plot) {
  std::vector<Run> runs(1);
  for (std::size_t index = 0; index < std::min(length_of(series), values.size()); ++index) {
    if (plot.x.shows(series.x[index]) && plot.y.shows(values[index]))
      runs.back().push_back(plot.at(series.x[index], values[index]));
    else if (!runs.back().empty())
      runs.emplace_back();
  }
  if (runs.back().empty()) runs.pop_back();
  return runs;
}

// Keeps the first, lowest, highest and last point of each pixel column, so that a curve of a million steps costs no
// more than the picture can show and no peak is lost. Only for curves that run from left to right.
Run thinned(const Run& run, double width) {
  const bool ordered = std::is_sorted(run.begin(), run.end(), [](Point a, Point b) { return a.x < b.x; });
  if (!ordered || static_cast<double>(run.size()) < 4 * width) return run;
  Run kept;
  for (std::size_t begin = 0; begin < run.size();) {
    std::size_t end = begin;
    while (end < run.size() && std::floor(run[end].x) == std::floor(run[begin].x)) ++end;
    std::size_t low = begin, high = begin;
    for (std::size_t index = begin; index < end; ++index) {
      if (run[index].y < run[low].y) low = index;
      if (run[index].y > run[high].y) high = index;
    }
    std::size_t chosen[] = {begin, std::min(low, high), std::max(low, high), end - 1};
    for (std::size_t index = 0; index < 4; ++index)
      if (index == 0 || chosen[index] != chosen[index - 1]) kept.push_back(run[chosen[index]]);
    begin = end;
  }
  return kept;
}

std::string commands_of(const Run& run) {
  std::string commands;
  for (std::size_t index = 0; index < run.size(); ++index)
    commands += fmt::format("{}{} {}", index == 0 ? "M" : "L", coordinate(run[index].x), coordinate(run[index].y));
  return commands;
}

void draw_band(Svg& svg, const Series& series, const Plot& plot) {
  Series finite{.name = {}, .x = {}, .y = {}};
  const std::size_t count = std::min({length_of(series), series.low.size(), series.high.size()});
  for (std::size_t index = 0; index < count; ++index)
    if (plot.x.shows(series.x[index]) && plot.y.shows(series.low[index]) && plot.y.shows(series.high[index])) {
      finite.x.push_back(series.x[index]);
      finite.low.push_back(series.low[index]);
      finite.high.push_back(series.high[index]);
    }
  if (finite.x.size() < 2) return;
  Run outline;
  for (std::size_t index = 0; index < finite.x.size(); ++index)
    outline.push_back(plot.at(finite.x[index], finite.high[index]));
  for (std::size_t index = finite.x.size(); index-- > 0;)
    outline.push_back(plot.at(finite.x[index], finite.low[index]));
  svg.path(commands_of(outline) + "Z", "rc-band");
}

// All points of a scatter or a short curve, about a dozen of a long one, shifted from series to series so that they
// rarely coincide.
void draw_markers(Svg& svg, const Series& series, const Plot& plot, int index, bool joined) {
  const std::size_t count = length_of(series);
  const std::size_t stride = count <= few_points || !joined ? 1 : count / 12;
  const std::size_t first = stride == 1 ? 0 : stride * static_cast<std::size_t>(index % palette_size) / palette_size;
  for (std::size_t point = first; point < count; point += stride) {
    if (!plot.x.shows(series.x[point]) || !plot.y.shows(series.y[point])) continue;
    const Point place = plot.at(series.x[point], series.y[point]);
    if (!plot.contains(place)) continue;
    const std::string tooltip = fmt::format("{}{}{}: {}", series.name, series.name.empty() ? "" : " at ",
                                            value_text(series.x[point]), value_text(series.y[point]));
    svg.marker(place.x, place.y, index, {.tooltip = tooltip, .open = series.open});
  }
}

void draw_series(Svg& svg, const Series& series, const Plot& plot, int index, bool joined, bool marked) {
  svg.open_colour(index);
  svg.open_clip(plot.area.left, plot.area.top, plot.area.width, plot.area.height);
  draw_band(svg, series, plot);
  for (const Run& run : runs_of(series, series.y, plot))
    if (joined && !series.open && run.size() > 1)
      svg.path(commands_of(thinned(run, plot.area.width)), "rc-line", dash(index));
  svg.close();
  if (marked) draw_markers(svg, series, plot, index, joined);
  svg.close();
}

void draw_x_axis(Svg& svg, const PlotArea& area, const Axis& axis, const std::string& label) {
  const auto texts = tick_texts(axis.ticks());
  double free_from = -1e9;
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const double x = area.left + axis.at(axis.ticks()[index]) * area.width;
    svg.line(x, area.top, x, area.bottom(), "rc-grid");
    const double half = text_width(texts[index]) / 2;
    if (x - half < free_from) continue;
    svg.text(x, area.bottom() + 18, texts[index], {.kind = "rc-soft", .anchor = Anchor::middle});
    free_from = x + half + 6;
  }
  svg.line(area.left, area.bottom(), area.right(), area.bottom(), "rc-axis");
  if (!label.empty())
    svg.text(area.left + area.width / 2, area.bottom() + 38, label, {.kind = "rc-soft", .anchor = Anchor::middle});
}

struct Values {
  std::vector<double> x, y;
  std::size_t hidden = 0;  // points that no axis of these scales can show
};

Values values_of(const LineChart& chart) {
  Values values;
  const Axis x({}, chart.x_scale, 1, false), y({}, chart.y_scale, 1, false);
  for (const Series& series : chart.series)
    for (std::size_t index = 0; index < length_of(series); ++index) {
      if (!x.shows(series.x[index]) || !y.shows(series.y[index])) {
        ++values.hidden;
        if (x.shows(series.x[index])) values.x.push_back(series.x[index]);
        continue;
      }
      values.x.push_back(series.x[index]);
      values.y.push_back(series.y[index]);
      if (index < series.low.size()) values.y.push_back(series.low[index]);
      if (index < series.high.size()) values.y.push_back(series.high[index]);
    }
  return values;
}

std::string note_of(std::size_t hidden, const LineChart& chart) {
  const bool logarithmic = chart.x_scale == Scale::logarithmic || chart.y_scale == Scale::logarithmic;
  return fmt::format("{} point{} not shown ({})", hidden, hidden == 1 ? "" : "s",
                     logarithmic ? "not finite, or not positive" : "not finite");
}

}  // namespace

std::string draw(const LineChart& chart) {
  const double width = std::max(chart.width, 240), height = std::max(chart.height, 160);
  std::vector<LegendName> names;
  for (const Series& series : chart.series)
    names.push_back({series.name, series.open ? Swatch::open : chart.joined ? Swatch::line : Swatch::marker});
  const Values values = values_of(chart);
  const double head = head_height(chart.title, names, width);
  const double foot = (chart.x_label.empty() ? 28 : 48) + (values.hidden > 0 ? 18 : 0);
  const Axis x(values.x, chart.x_scale, 8, false);
  const Axis y(values.y, chart.y_scale, 6, true, chart.y_low, chart.y_high);
  const double left = y_axis_width(y, chart.y_label);
  // Rows of the legend beyond the first add to the height instead of pressing the curves together.
  const double one_row = head_height(chart.title, {{"", {}}, {"", {}}}, width);
  const PlotArea area{left, head, width - left - 22, std::max(height - std::min(head, one_row) - foot, 60.0)};

  Svg svg(width, area.bottom() + foot, chart.title.empty() ? "line chart" : chart.title);
  draw_head(svg, chart.title, names, width);
  draw_y_axis(svg, area, y, chart.y_label);
  draw_x_axis(svg, area, x, chart.x_label);
  const Plot plot{x, y, area};
  for (std::size_t index = 0; index < chart.series.size(); ++index)
    draw_series(svg, chart.series[index], plot, static_cast<int>(index), chart.joined,
                !chart.joined || chart.series.size() > 1 || length_of(chart.series[index]) <= few_points);
  if (values.y.empty()) draw_empty(svg, area);
  if (values.hidden > 0)
    svg.text(area.right(), area.bottom() + foot - 8, note_of(values.hidden, chart),
             {.kind = "rc-soft", .anchor = Anchor::end});
  return svg.finish();
}

}  // namespace resnet
