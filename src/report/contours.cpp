#include "base/error.hpp"
#include "report/axis.hpp"
#include "report/frame.hpp"
#include "report/landscape_charts.hpp"
#include "report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr double key_width = 84;
constexpr double palest = 0.04, deepest = 0.7;  // of the cells: the lines stay visible on all of them

void check_sizes(const Landscape& landscape) {
  if (landscape.x.size() < 2 || landscape.y.size() < 2 ||
      landscape.values.size() != landscape.x.size() * landscape.y.size())
    fail("landscape '", landscape.title, "': ", landscape.values.size(), " values are not ", landscape.y.size(), " x ",
         landscape.x.size(), " of at least 2 x 2");
}

/// 0 at the low end of the scale, 1 at the high end.
double share_of(const Landscape& landscape, double value) {
  return std::clamp(std::log(value / landscape.low) / std::log(landscape.high / landscape.low), 0.0, 1.0);
}

double place(const std::vector<double>& grid, double value) {
  return (value - grid.front()) / (grid.back() - grid.front());
}

void draw_cells(Svg& svg, const Landscape& landscape, const PlotArea& area) {
  const std::size_t columns = landscape.x.size() - 1, rows = landscape.y.size() - 1;
  const double width = area.width / static_cast<double>(columns), height = area.height / static_cast<double>(rows);
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t at = row * landscape.x.size() + column, above = at + landscape.x.size();
      double mean = 0;
      for (const std::size_t corner : {at, at + 1, above, above + 1})
        mean += std::isfinite(landscape.values[corner]) ? share_of(landscape, landscape.values[corner]) / 4 : NAN;
      const double x = area.left + width * static_cast<double>(column);
      const double y = area.bottom() - height * static_cast<double>(row + 1);
      if (std::isnan(mean))
        svg.rectangle(x, y, width, height, "rc-none");
      else
        svg.rectangle(x, y, width, height, "rc-cell", {},
                      fmt::format("fill-opacity=\"{:.3f}\"", palest + (deepest - palest) * mean));
    }
}

/// 1, 2 and 5 times each power of ten, or the powers alone where those would be too many.
std::vector<double> levels_of(const Landscape& landscape) {
  constexpr double most_decades = 4.5;
  const int first = static_cast<int>(std::floor(std::log10(landscape.low)));
  const int last = static_cast<int>(std::ceil(std::log10(landscape.high)));
  std::vector<double> levels;
  for (int power = first; power <= last; ++power)
    for (const double digit : {1.0, 2.0, 5.0})
      if (const double level = digit * std::pow(10, power);
          level > landscape.low && level < landscape.high &&
          (digit == 1 || landscape.high / landscape.low < std::pow(10, most_decades)))
        levels.push_back(level);
  return levels;
}

std::vector<double> logarithms(const Landscape& landscape) {
  std::vector<double> logs;
  for (const double value : landscape.values) logs.push_back(std::log(value));
  return logs;
}

/// The value of a line beside its rightmost piece; lines whose text would lie on another one have none.
class LineLabels {
 public:
  void draw(Svg& svg, double x, double y, const std::string& text) {
    for (const auto& [other_x, other_y] : placed_)
      if (std::abs(other_x - x) < 30 && std::abs(other_y - y) < 14) return;
    placed_.emplace_back(x, y);
    const double width = text_width(text) + 4;
    svg.rectangle(x - width / 2, y - 7, width, 14, "rc-paper", {}, "fill-opacity=\"0.85\"");
    svg.text(x, y + 4, text, {.anchor = Anchor::middle});
  }

 private:
  std::vector<std::pair<double, double>> placed_;
};

void draw_lines(Svg& svg, const Landscape& landscape, const PlotArea& area) {
  const std::vector<double> logs = logarithms(landscape), levels = levels_of(landscape);
  const double columns = static_cast<double>(landscape.x.size() - 1),
               rows = static_cast<double>(landscape.y.size() - 1);
  const auto x_of = [&](double column) { return area.left + area.width * column / columns; };
  const auto y_of = [&](double row) { return area.bottom() - area.height * row / rows; };
  LineLabels labels;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const std::vector<ContourPiece> pieces = contour_pieces(logs, landscape.x.size(), std::log(levels[level]));
    if (pieces.empty()) continue;
    std::string path;
    const ContourPiece* rightmost = &pieces.front();
    for (const ContourPiece& piece : pieces) {
      path += fmt::format("M{} {}L{} {}", coordinate(x_of(piece.x1)), coordinate(y_of(piece.y1)),
                          coordinate(x_of(piece.x2)), coordinate(y_of(piece.y2)));
      if (piece.x1 + piece.x2 - std::abs(piece.y1 - rows / 2) >
          rightmost->x1 + rightmost->x2 - std::abs(rightmost->y1 - rows / 2))
        rightmost = &piece;
    }
    svg.open_colour(1);
    svg.path(path, "rc-line", "style=\"stroke-width:1.25\"");
    svg.close();
    const double x = std::clamp(x_of((rightmost->x1 + rightmost->x2) / 2), area.left + 16, area.right() - 16);
    labels.draw(svg, x, std::clamp(y_of((rightmost->y1 + rightmost->y2) / 2), area.top + 8, area.bottom() - 8),
                value_text(levels[level]));
  }
}

void draw_ticks(Svg& svg, const Landscape& landscape, const PlotArea& area) {
  const auto ticks_of = [](const std::vector<double>& grid) { return nice_ticks(grid.front(), grid.back(), 5); };
  const std::vector<double> x = ticks_of(landscape.x), y = ticks_of(landscape.y);
  const std::vector<std::string> x_texts = tick_texts(x), y_texts = tick_texts(y);
  for (std::size_t k = 0; k < x.size(); ++k)
    svg.text(area.left + area.width * place(landscape.x, x[k]), area.bottom() + 16, x_texts[k],
             {.kind = "rc-soft", .anchor = Anchor::middle});
  for (std::size_t k = 0; k < y.size(); ++k)
    svg.text(area.left - 6, area.bottom() - area.height * place(landscape.y, y[k]) + 4, y_texts[k],
             {.kind = "rc-soft", .anchor = Anchor::end});
  svg.text(area.left + area.width / 2, area.bottom() + 34, landscape.x_label,
           {.kind = "rc-soft", .anchor = Anchor::middle});
  svg.text(16, area.top + area.height / 2, landscape.y_label,
           {.kind = "rc-soft", .anchor = Anchor::middle, .angle = -90});
}

void draw_key(Svg& svg, const Landscape& landscape, const PlotArea& area) {
  constexpr int steps = 24;
  const double x = area.right() + 16, height = std::min(area.height, 200.0);
  for (int step = 0; step < steps; ++step)
    svg.rectangle(x, area.top + height * step / steps, 12, height / steps + 0.4, "rc-cell", {},
                  fmt::format("fill-opacity=\"{:.3f}\"", palest + (deepest - palest) * (1 - (step + 0.5) / steps)));
  svg.rectangle(x, area.top, 12, height, "rc-frame");
  svg.text(x + 17, area.top + 10, fmt::format("{:.3g}", landscape.high), {.kind = "rc-soft"});
  svg.text(x + 17, area.top + height, fmt::format("{:.3g}", landscape.low), {.kind = "rc-soft"});
  svg.text(x, area.top + height + 18, landscape.value_label, {.kind = "rc-soft"});
}

}  // namespace

std::vector<ContourPiece> contour_pieces(const std::vector<double>& values, std::size_t columns, double level) {
  std::vector<ContourPiece> pieces;
  for (std::size_t row = 0; (row + 1) * columns < values.size(); ++row)
    for (std::size_t column = 0; column + 1 < columns; ++column) {
      // Corners and the edges after them, around the cell.
      const std::size_t at = row * columns + column;
      const double corner[5] = {values[at], values[at + 1], values[at + columns + 1], values[at + columns], values[at]};
      const double x[5] = {0, 1, 1, 0, 0}, y[5] = {0, 0, 1, 1, 0};
      std::vector<std::pair<double, double>> crossings;
      for (int edge = 0; edge < 4; ++edge) {
        const double a = corner[edge], b = corner[edge + 1];
        if (!std::isfinite(a) || !std::isfinite(b) || (a < level) == (b < level)) continue;
        const double part = (level - a) / (b - a);
        crossings.emplace_back(static_cast<double>(column) + x[edge] + part * (x[edge + 1] - x[edge]),
                               static_cast<double>(row) + y[edge] + part * (y[edge + 1] - y[edge]));
      }
      // At a saddle the middle decides which corners belong together.
      const double middle = (corner[0] + corner[1] + corner[2] + corner[3]) / 4;
      if (crossings.size() == 4 && (middle < level) == (corner[0] < level))
        std::rotate(crossings.begin(), crossings.begin() + 1, crossings.end());
      for (std::size_t k = 0; k + 1 < crossings.size(); k += 2)
        pieces.push_back({crossings[k].first, crossings[k].second, crossings[k + 1].first, crossings[k + 1].second});
    }
  return pieces;
}

std::string draw_contours(const Landscape& landscape) {
  check_sizes(landscape);
  Svg svg(landscape.width, landscape.height, landscape.title);
  const PlotArea area{
      .left = 64, .top = 36, .width = landscape.width - 64 - key_width - 8.0, .height = landscape.height - 36 - 48.0};
  svg.text(14, 22, landscape.title, {.kind = "rc-title"});
  draw_cells(svg, landscape, area);
  svg.open_clip(area.left, area.top, area.width, area.height);
  draw_lines(svg, landscape, area);
  svg.close();
  svg.rectangle(area.left, area.top, area.width, area.height, "rc-frame");
  draw_ticks(svg, landscape, area);
  draw_key(svg, landscape, area);
  return svg.finish();
}

}  // namespace resnet
