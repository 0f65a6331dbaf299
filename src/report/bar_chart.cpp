#include "report/charts.hpp"
#include "report/escape.hpp"
#include "report/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr std::size_t longest_label = 24;

double deviation_of(const BarGroup& group, std::size_t category) {
  if (category >= group.deviation.size()) return 0;
  const double deviation = std::abs(group.deviation[category]);
  return std::isfinite(deviation) ? deviation : 0;
}

// Bars stand on zero, so zero is always in range.
std::vector<double> values_of(const BarChart& chart) {
  std::vector<double> values = {0};
  for (const BarGroup& group : chart.groups)
    for (std::size_t category = 0; category < std::min(group.values.size(), chart.categories.size()); ++category) {
      const double deviation = deviation_of(group, category);
      values.push_back(group.values[category] + deviation);
      values.push_back(group.values[category] - (group.values[category] < 0 ? deviation : 0));
    }
  return values;
}

struct Slots {
  PlotArea area;
  double slot, bar;  // width of a category with its gap, and of one bar

  double left_of(std::size_t category, std::size_t group, std::size_t groups) const {
    const double used = bar * static_cast<double>(groups);
    return area.left + static_cast<double>(category) * slot + (slot - used) / 2 + bar * static_cast<double>(group);
  }
  double middle_of(std::size_t category) const { return area.left + (static_cast<double>(category) + 0.5) * slot; }
};

void draw_bar(Svg& svg, const BarChart& chart, const Axis& y, const Slots& slots, std::size_t group,
              std::size_t category) {
  const BarGroup& bars = chart.groups[group];
  const double value = bars.values[category];
  const PlotArea& area = slots.area;
  const double left = slots.left_of(category, group, chart.groups.size());
  if (!y.shows(value)) {
    svg.text(left + slots.bar / 2, area.bottom() - 4, "?", {.kind = "rc-soft", .anchor = Anchor::middle});
    return;
  }
  const auto pixel = [&](double amount) { return area.bottom() - std::clamp(y.at(amount), 0.0, 1.0) * area.height; };
  const double deviation = deviation_of(bars, category);
  std::string tooltip = fmt::format("{}{}{}: {}", chart.categories[category], bars.name.empty() ? "" : ", ", bars.name,
                                    value_text(value));
  if (deviation > 0) tooltip += " ± " + value_text(deviation);
  const double top = std::min(pixel(value), pixel(0)), bottom = std::max(pixel(value), pixel(0));
  svg.rectangle(left, top, slots.bar - 1, bottom - top, "rc-fill", tooltip);
  if (deviation > 0) {
    const double middle = left + (slots.bar - 1) / 2, half = std::min(5.0, slots.bar / 3);
    svg.line(middle, pixel(value - deviation), middle, pixel(value + deviation), "rc-error");
    for (const double end : {value - deviation, value + deviation})
      svg.line(middle - half, pixel(end), middle + half, pixel(end), "rc-error");
  }
}

struct Labels {
  std::vector<std::string> texts;
  bool slanted = false;
  std::size_t stride = 1;
  double height = 22;
};

Labels labels_of(const BarChart& chart, double slot) {
  Labels labels;
  double widest = 0;
  for (const std::string& category : chart.categories) {
    labels.texts.push_back(shortened(category, longest_label));
    widest = std::max(widest, text_width(labels.texts.back()));
  }
  labels.slanted = widest > slot - 6;
  if (!labels.slanted) return labels;
  labels.height = widest * 0.64 + 22;  // sin 40 degrees
  labels.stride = slot >= 15 ? 1 : static_cast<std::size_t>(std::ceil(15 / std::max(slot, 0.01)));
  return labels;
}

void draw_labels(Svg& svg, const Labels& labels, const Slots& slots) {
  for (std::size_t category = 0; category < labels.texts.size(); category += labels.stride) {
    const double x = slots.middle_of(category), y = slots.area.bottom() + 16;
    if (labels.slanted)
      svg.text(x + 4, y, labels.texts[category], {.anchor = Anchor::end, .angle = -40});
    else
      svg.text(x, y + 2, labels.texts[category], {.anchor = Anchor::middle});
  }
}

}  // namespace

std::string draw(const BarChart& chart) {
  const double width = std::max(chart.width, 240), height = std::max(chart.height, 160);
  std::vector<LegendName> names;
  for (const BarGroup& group : chart.groups) names.push_back({group.name, Swatch::square});
  const std::vector<double> values = values_of(chart);
  const Axis y(values, Scale::linear, 6, true, {}, chart.y_high);
  const double categories = std::max<double>(1, static_cast<double>(chart.categories.size()));
  // Slanted labels of the first categories reach to the left of the data.
  const double left = std::max(y_axis_width(y, chart.y_label), 48.0);
  const double slot = (width - left - 16) / categories;
  const Labels labels = labels_of(chart, slot);
  const double head = head_height(chart.title, names, width);
  const double foot = labels.height + 8 + (chart.x_label.empty() ? 0 : 20);
  const PlotArea area{left, head, width - left - 16, std::max(height - head - foot, 60.0)};
  const double groups = std::max<double>(1, static_cast<double>(chart.groups.size()));
  const Slots slots{area, slot, std::min(slot * 0.76 / groups, 56.0)};

  Svg svg(width, area.bottom() + foot, chart.title.empty() ? "bar chart" : chart.title);
  draw_head(svg, chart.title, names, width);
  draw_y_axis(svg, area, y, chart.y_label);
  for (std::size_t group = 0; group < chart.groups.size(); ++group) {
    svg.open_colour(static_cast<int>(group));
    const std::size_t count = std::min(chart.groups[group].values.size(), chart.categories.size());
    for (std::size_t category = 0; category < count; ++category) draw_bar(svg, chart, y, slots, group, category);
    svg.close();
  }
  const double zero = area.bottom() - std::clamp(y.at(0), 0.0, 1.0) * area.height;
  svg.line(area.left, zero, area.right(), zero, "rc-axis");
  draw_labels(svg, labels, slots);
  if (!chart.x_label.empty())
    svg.text(area.left + area.width / 2, area.bottom() + foot - 6, chart.x_label,
             {.kind = "rc-soft", .anchor = Anchor::middle});
  if (values.size() == 1) draw_empty(svg, area);
  return svg.finish();
}

}  // namespace resnet
