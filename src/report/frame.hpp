// What line and bar charts have around their data: title, legend, axes, grid, notes.
#pragma once

#include "report/axis.hpp"
#include "report/svg.hpp"

#include <string>
#include <vector>

namespace resnet {

/// The rectangle of the data, in pixels.
struct PlotArea {
  double left = 0, top = 0, width = 0, height = 0;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

/// How a legend entry is shown: a dashed line with its marker, the marker alone, filled or open, or a filled square.
enum class Swatch { line, marker, open, square };

struct LegendName {
  std::string name;
  Swatch swatch = Swatch::line;
};

/// Pixels that the title and the rows of the legend take at the top of a chart `width` wide; one name alone is no
/// legend.
double head_height(const std::string& title, const std::vector<LegendName>& names, double width);

void draw_head(Svg& svg, const std::string& title, const std::vector<LegendName>& names, double width);

/// Horizontal grid lines, numbers and the label of the y axis.
void draw_y_axis(Svg& svg, const PlotArea& area, const Axis& axis, const std::string& label);

/// Pixels to the left of the data that the numbers and the label of a y axis take.
double y_axis_width(const Axis& axis, const std::string& label);

/// Soft text in the middle of the area: why nothing is drawn.
void draw_empty(Svg& svg, const PlotArea& area);

}  // namespace resnet
