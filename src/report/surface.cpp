#include "base/error.hpp"
#include "report/axis.hpp"
#include "report/landscape_charts.hpp"
#include "report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

struct Point {
  double x = 0, y = 0;
};

/// A parallel projection: the grid is turned by 45 degrees, so that its last row and column lie behind, and tilted.
class View {
 public:
  explicit View(const Landscape& landscape) : landscape_(landscape) {
    const double top = 40, bottom = 34, side = 58;
    half_width_ = (landscape.width - 2 * side) / 2;
    half_depth_ = half_width_ * 0.42;
    centre_ = landscape.width / 2.0;
    rise_ = landscape.height - top - bottom - 2 * half_depth_;
    floor_ = landscape.height - bottom;
  }

  /// Of the grid's corner (column, row) in 0 .. 1 each, at a height in 0 .. 1.
  Point at(double column, double row, double height) const {
    return {centre_ + (column - row) * half_width_, floor_ - (column + row) * half_depth_ - height * rise_};
  }
  Point at(std::size_t column, std::size_t row) const {
    const double value = landscape_.values[row * landscape_.x.size() + column];
    return at(static_cast<double>(column) / static_cast<double>(landscape_.x.size() - 1),
              static_cast<double>(row) / static_cast<double>(landscape_.y.size() - 1), share(value));
  }
  double share(double value) const {
    if (!std::isfinite(value)) return 1;
    return std::clamp(std::log(value / landscape_.low) / std::log(landscape_.high / landscape_.low), 0.0, 1.0);
  }

 private:
  const Landscape& landscape_;
  double half_width_, half_depth_, centre_, rise_, floor_;
};

void draw_quad(Svg& svg, const View& view, const Landscape& landscape, std::size_t column, std::size_t row) {
  std::string path;
  double mean = 0;
  const std::pair<std::size_t, std::size_t> corners[] = {
      {column, row}, {column + 1, row}, {column + 1, row + 1}, {column, row + 1}};
  for (const auto& [x, y] : corners) {
    const Point point = view.at(x, y);
    path += fmt::format("{}{} {}", path.empty() ? "M" : "L", coordinate(point.x), coordinate(point.y));
    mean += view.share(landscape.values[y * landscape.x.size() + x]) / 4;
  }
  path += "z";
  svg.path(path, "rc-paper");  // what lies behind must not shine through
  svg.path(path, "rc-cell",
           fmt::format("fill-opacity=\"{:.3f}\" style=\"stroke:#8c959f;stroke-width:.4\"", 0.06 + 0.8 * mean));
}

void line(Svg& svg, const Point& a, const Point& b, std::string_view kind) { svg.line(a.x, a.y, b.x, b.y, kind); }

/// The walls behind, with the heights, and the labels of the floor.
void draw_box(Svg& svg, const View& view, const Landscape& landscape) {
  const std::vector<double> ticks = log_ticks(landscape.low, landscape.high, 5);
  const std::vector<std::string> texts = tick_texts(ticks);
  for (std::size_t k = 0; k < ticks.size(); ++k) {
    const double height = view.share(ticks[k]);
    line(svg, view.at(0, 1, height), view.at(1, 1, height), "rc-grid");
    line(svg, view.at(1, 1, height), view.at(1, 0, height), "rc-grid");
    const Point left = view.at(0, 1, height);
    svg.text(left.x - 6, left.y + 4, texts[k], {.kind = "rc-soft", .anchor = Anchor::end});
  }
  for (const auto& [x, y] : {std::pair{0.0, 1.0}, {1.0, 0.0}}) {
    line(svg, view.at(x, y, 0), view.at(0, 0, 0), "rc-axis");
    line(svg, view.at(x, y, 0), view.at(1, 1, 0), "rc-axis");
  }
  for (const auto& [x, y] : {std::pair{0.0, 1.0}, {1.0, 1.0}, {1.0, 0.0}})
    line(svg, view.at(x, y, 0), view.at(x, y, 1), "rc-axis");
  const Point top = view.at(0, 1, 1);
  svg.text(top.x - 6, top.y - 12, landscape.value_label, {.kind = "rc-soft", .anchor = Anchor::start});
  const Point along_x = view.at(0.5, 0, 0), along_y = view.at(0, 0.5, 0);
  svg.text(along_x.x + 12, along_x.y + 18, landscape.x_label, {.kind = "rc-soft"});
  svg.text(along_y.x - 12, along_y.y + 18, landscape.y_label, {.kind = "rc-soft", .anchor = Anchor::end});
}

}  // namespace

std::string draw_surface(const Landscape& landscape) {
  if (landscape.x.size() < 2 || landscape.y.size() < 2 ||
      landscape.values.size() != landscape.x.size() * landscape.y.size())
    fail("surface '", landscape.title, "': ", landscape.values.size(), " values are not ", landscape.y.size(), " x ",
         landscape.x.size(), " of at least 2 x 2");
  Svg svg(landscape.width, landscape.height, landscape.title);
  svg.text(14, 22, landscape.title, {.kind = "rc-title"});
  const View view(landscape);
  draw_box(svg, view, landscape);
  for (std::size_t row = landscape.y.size() - 1; row-- > 0;)
    for (std::size_t column = landscape.x.size() - 1; column-- > 0;) draw_quad(svg, view, landscape, column, row);
  return svg.finish();
}

}  // namespace resnet
