#include "base/error.hpp"
#include "report/axis.hpp"
#include "report/charts.hpp"
#include "report/escape.hpp"
#include "report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr std::size_t longest_label = 22;
constexpr double key_width = 74;  // at least, for the colour scale with its numbers at the right
constexpr double key_text = 33;   // from the cells to the numbers
// Above this share of the full colour, text is set in the light-on-dark form.
constexpr double text_turns = 0.55;
// Beyond this many cells they are drawn together by shade, without tooltips: a 100-class matrix would else take a
// megabyte of the page.
constexpr std::size_t most_single_cells = 2500;

struct Range {
  double low = 0, high = 1;
  double share(double value) const { return std::clamp((value - low) / (high - low), 0.0, 1.0); }
};

Range range_of(const HeatMap& map) {
  const Axis all(map.values, Scale::linear, 5, false);
  Range range{map.low.value_or(all.low()), map.high.value_or(all.high())};
  if (!(range.low < range.high)) range = {all.low(), all.high()};
  return range;
}

struct Grid {
  double left = 0, top = 0, cell = 0, key = 0;
  std::size_t rows = 0, columns = 0;
  bool slanted = false;
  double right() const { return left + cell * static_cast<double>(columns); }
  double bottom() const { return top + cell * static_cast<double>(rows); }
};

double widest_of(const std::vector<std::string>& labels) {
  double widest = 0;
  for (const std::string& label : labels) widest = std::max(widest, text_width(shortened(label, longest_label)));
  return widest;
}

Grid grid_of(const HeatMap& map, const Range& range) {
  Grid grid{.rows = map.row_labels.size(), .columns = map.column_labels.size()};
  const double numbers = std::max(text_width(value_text(range.low)), text_width(value_text(range.high)));
  grid.key = std::max(key_width, key_text + numbers + 4);
  grid.left = widest_of(map.row_labels) + 14 + (map.y_label.empty() ? 0 : 22);
  const double columns = std::max<double>(1, static_cast<double>(grid.columns));
  grid.cell = std::clamp((std::max(map.width, 240) - grid.left - grid.key) / columns, 2.0, 56.0);
  const double widest = widest_of(map.column_labels);
  grid.slanted = widest > grid.cell - 4;
  const double labels = widest == 0 ? 6 : grid.slanted ? widest * 0.77 + 14 : 22;  // sin 50 degrees
  grid.top = (map.title.empty() ? 8 : 34) + (map.x_label.empty() ? 0 : 20) + labels;
  return grid;
}

void draw_cells(Svg& svg, const HeatMap& map, const Grid& grid, const Range& range) {
  for (std::size_t row = 0; row < grid.rows; ++row)
    for (std::size_t column = 0; column < grid.columns; ++column) {
      const std::size_t index = row * grid.columns + column;
      const double x = grid.left + grid.cell * static_cast<double>(column);
      const double y = grid.top + grid.cell * static_cast<double>(row);
      const double value = map.values[index];
      const std::string shown = index < map.cell_text.size() ? map.cell_text[index] : "";
      const std::string tooltip =
          fmt::format("{} / {}: {}{}", map.row_labels[row], map.column_labels[column],
                      shown.empty() ? value_text(value) : shown, shown.empty() ? "" : " (" + value_text(value) + ")");
      const double side = std::max(grid.cell - (grid.cell > 8 ? 1 : 0), 1.0);
      if (!std::isfinite(value)) {
        svg.rectangle(x, y, side, side, "rc-none", tooltip);
        svg.line(x, y + side, x + side, y, "rc-axis");
        continue;
      }
      const double share = range.share(value);
      svg.rectangle(x, y, side, side, "rc-cell", tooltip, fmt::format("fill-opacity=\"{:.3f}\"", 0.04 + 0.96 * share));
      if (!shown.empty() && text_width(shown) <= grid.cell)
        svg.text(x + side / 2, y + side / 2 + 4, shown,
                 {.kind = share > text_turns ? "rc-onfill" : "rc-text", .anchor = Anchor::middle});
    }
}

void draw_cells_by_shade(Svg& svg, const HeatMap& map, const Grid& grid, const Range& range) {
  constexpr std::size_t shades = 64;
  std::vector<std::string> paths(shades + 1);
  std::string unknown;
  for (std::size_t index = 0; index < map.values.size(); ++index) {
    const double value = map.values[index];
    const auto shade = static_cast<std::size_t>(std::isfinite(value) ? std::lround(range.share(value) * shades) : 0);
    std::string& path = std::isfinite(value) ? paths[shade] : unknown;
    const double x = grid.left + grid.cell * static_cast<double>(index % grid.columns);
    const double y = grid.top + grid.cell * static_cast<double>(index / grid.columns);
    const std::string side = coordinate(grid.cell);
    path += fmt::format("M{} {}h{}v{}h-{}z", coordinate(x), coordinate(y), side, side, side);
  }
  for (std::size_t shade = 0; shade <= shades; ++shade)
    if (!paths[shade].empty())
      svg.path(paths[shade], "rc-cell",
               fmt::format("fill-opacity=\"{:.3f}\"", 0.04 + 0.96 * static_cast<double>(shade) / shades));
  if (!unknown.empty()) svg.path(unknown, "rc-none");
}

// Every how many cells there is room for a label, if each needs so many pixels.
std::size_t stride_of(double needed, double cell) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(needed / cell)));
}

// Labels are left out where cells are too small for a line of text, which takes more of a row when it is slanted.
void draw_labels(Svg& svg, const HeatMap& map, const Grid& grid) {
  constexpr double line = 13, slanted_line = 17;  // 13 / sin 50 degrees
  for (std::size_t row = 0; row < grid.rows; row += stride_of(line, grid.cell))
    svg.text(grid.left - 6, grid.top + grid.cell * (static_cast<double>(row) + 0.5) + 4,
             shortened(map.row_labels[row], longest_label), {.anchor = Anchor::end});
  const std::size_t stride = stride_of(grid.slanted ? slanted_line : line, grid.cell);
  for (std::size_t column = 0; column < grid.columns; column += stride) {
    const double x = grid.left + grid.cell * (static_cast<double>(column) + 0.5);
    const std::string label = shortened(map.column_labels[column], longest_label);
    if (grid.slanted)
      svg.text(x + 3, grid.top - 6, label, {.angle = -50});
    else
      svg.text(x, grid.top - 6, label, {.anchor = Anchor::middle});
  }
  const double middle = (grid.left + grid.right()) / 2;
  if (!map.x_label.empty())
    svg.text(middle, map.title.empty() ? 18 : 44, map.x_label, {.kind = "rc-soft", .anchor = Anchor::middle});
  if (!map.y_label.empty())
    svg.text(16, (grid.top + grid.bottom()) / 2, map.y_label,
             {.kind = "rc-soft", .anchor = Anchor::middle, .angle = -90});
}

void draw_key(Svg& svg, const Grid& grid, const Range& range) {
  constexpr int steps = 24;
  const double height = std::clamp(grid.bottom() - grid.top, 40.0, 200.0), x = grid.right() + 16;
  for (int step = 0; step < steps; ++step) {
    const double share = 1 - (step + 0.5) / steps;
    svg.rectangle(x, grid.top + height * step / steps, 12, height / steps + 0.4, "rc-cell", {},
                  fmt::format("fill-opacity=\"{:.3f}\"", 0.04 + 0.96 * share));
  }
  svg.rectangle(x, grid.top, 12, height, "rc-frame");
  svg.text(grid.right() + key_text, grid.top + 10, value_text(range.high), {.kind = "rc-soft"});
  svg.text(grid.right() + key_text, grid.top + height, value_text(range.low), {.kind = "rc-soft"});
}

}  // namespace

std::string draw(const HeatMap& map) {
  const std::size_t cells = map.row_labels.size() * map.column_labels.size();
  if (map.values.size() != cells || (!map.cell_text.empty() && map.cell_text.size() != cells))
    fail("heat map '", map.title, "': ", map.row_labels.size(), " x ", map.column_labels.size(), " labels, but ",
         map.values.size(), " values and ", map.cell_text.size(), " cell texts");
  const Range range = range_of(map);
  const Grid grid = grid_of(map, range);
  const double title = map.title.empty() ? 0 : text_width(map.title) * 1.25 + 28;
  const double slope =
      grid.slanted && cells > 0 ? text_width(shortened(map.column_labels.back(), longest_label)) * 0.65 : 0;
  const double width = std::max({grid.right() + std::max(grid.key, slope + 4), title, 160.0});
  const double y_label_end = (grid.top + grid.bottom() + text_width(map.y_label)) / 2;
  const double height = std::max({grid.bottom(), grid.top + 40, y_label_end}) + 12;
  Svg svg(width, height, map.title.empty() ? "heat map" : map.title);
  if (!map.title.empty()) svg.text(14, 22, map.title, {.kind = "rc-title"});
  if (cells > most_single_cells)
    draw_cells_by_shade(svg, map, grid, range);
  else
    draw_cells(svg, map, grid, range);
  draw_labels(svg, map, grid);
  if (cells > 0)
    draw_key(svg, grid, range);
  else
    svg.text(14, grid.top + 20, "no data to show", {.kind = "rc-soft"});
  return svg.finish();
}

HeatMap confusion_matrix(std::span<const int64_t> counts, const std::vector<std::string>& classes) {
  const std::size_t size = classes.size();
  if (counts.size() != size * size) fail("confusion matrix: ", size, " classes, but ", counts.size(), " counts");
  HeatMap map{
      .title = "Confusion matrix", .x_label = "predicted", .y_label = "truth", .values = {}, .low = 0, .high = 1};
  map.row_labels = map.column_labels = size <= 40 ? classes : std::vector<std::string>(size);
  for (std::size_t row = 0; row < size; ++row) {
    double total = 0;
    for (std::size_t column = 0; column < size; ++column) total += static_cast<double>(counts[row * size + column]);
    for (std::size_t column = 0; column < size; ++column) {
      const int64_t count = counts[row * size + column];
      map.values.push_back(total > 0 ? static_cast<double>(count) / total : 0);
      if (size <= 20) map.cell_text.push_back(std::to_string(count));
    }
  }
  return map;
}

}  // namespace resnet
