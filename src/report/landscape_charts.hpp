// Pictures of a function of two variables on a grid: from above with lines of equal height, and as a surface in space.
// Both colour by height as a HeatMap does, on a logarithmic scale.
#pragma once

#include "report/charts.hpp"

#include <string>
#include <vector>

namespace resnet {

struct Landscape {
  std::string title = {}, x_label = {}, y_label = {}, value_label = {};
  std::vector<double> x = {}, y = {};  // of the grid's columns and rows, ascending, at least two each
  std::vector<double> values = {};     // [y, x], row-major; positive
  double low = 1, high = 10;           // the ends of the scale, 0 < low < high; heights beyond are shown at them
  int width = chart_width, height = 430;
};

/// Cells coloured by their mean height, and lines of equal height with their values (marching squares, interpolated
/// in the logarithm). A cell with a corner that is not finite is grey. Error: sizes that disagree.
std::string draw_contours(const Landscape& landscape);

/// The same heights as a surface seen from above one corner, its nearer parts in front. Corners that are not finite are
/// shown at the upper end. Error: sizes that disagree.
std::string draw_surface(const Landscape& landscape);

/// The ends of a curve of equal height within one cell.
struct ContourPiece {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};
/// Where the values, linear between grid points, equal `level`; x and y are places on the grid, 0 the first.
std::vector<ContourPiece> contour_pieces(const std::vector<double>& values, std::size_t columns, double level);

}  // namespace resnet
