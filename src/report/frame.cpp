#include "report/frame.hpp"

#include "report/escape.hpp"

#include <algorithm>

namespace resnet {
namespace {

constexpr double legend_row = 20;
constexpr double margin = 14;
constexpr std::size_t longest_name = 40;

struct LegendEntry {
  double x = 0;
  int row = 0;
  std::string name;
  Swatch swatch = Swatch::line;
};

std::vector<LegendEntry> place_legend(const std::vector<LegendName>& names, double width) {
  std::vector<LegendEntry> entries;
  if (names.size() < 2) return entries;
  double x = margin;
  int row = 0;
  for (const auto& [name, swatch] : names) {
    const std::string shown = shortened(name, longest_name);
    const double needed = 36 + text_width(shown) + 16;
    if (x > margin && x + needed > width) {
      x = margin;
      ++row;
    }
    entries.push_back({x, row, shown, swatch});
    x += needed;
  }
  return entries;
}

}  // namespace

double head_height(const std::string& title, const std::vector<LegendName>& names, double width) {
  const auto entries = place_legend(names, width);
  const double legend = entries.empty() ? 0 : (entries.back().row + 1) * legend_row;
  return (title.empty() ? 8 : 32) + legend + 6;
}

void draw_head(Svg& svg, const std::string& title, const std::vector<LegendName>& names, double width) {
  if (!title.empty()) svg.text(margin, 22, title, {.kind = "rc-title"});
  int index = 0;
  for (const LegendEntry& entry : place_legend(names, width)) {
    const double y = (title.empty() ? 8 : 32) + entry.row * legend_row + 9;
    svg.open_colour(index);
    if (entry.swatch == Swatch::line)
      svg.path("M" + coordinate(entry.x) + " " + coordinate(y) + "h28", "rc-line", dash(index));
    if (entry.swatch == Swatch::square)
      svg.rectangle(entry.x + 14, y - 6, 12, 12, "rc-fill");
    else
      svg.marker(entry.x + 14, y, index, {.open = entry.swatch == Swatch::open});
    svg.close();
    svg.text(entry.x + 34, y + 4, entry.name);
    ++index;
  }
}

double y_axis_width(const Axis& axis, const std::string& label) {
  double widest = 0;
  for (const std::string& text : tick_texts(axis.ticks())) widest = std::max(widest, text_width(text));
  return widest + 16 + (label.empty() ? 0 : 20);
}

void draw_y_axis(Svg& svg, const PlotArea& area, const Axis& axis, const std::string& label) {
  const auto texts = tick_texts(axis.ticks());
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const double y = area.bottom() - axis.at(axis.ticks()[index]) * area.height;
    svg.line(area.left, y, area.right(), y, "rc-grid");
    svg.text(area.left - 8, y + 4, texts[index], {.kind = "rc-soft", .anchor = Anchor::end});
  }
  if (!label.empty())
    svg.text(16, area.top + area.height / 2, label, {.kind = "rc-soft", .anchor = Anchor::middle, .angle = -90});
}

void draw_empty(Svg& svg, const PlotArea& area) {
  svg.text(area.left + area.width / 2, area.top + area.height / 2, "no data to show",
           {.kind = "rc-soft", .anchor = Anchor::middle});
}

}  // namespace resnet
