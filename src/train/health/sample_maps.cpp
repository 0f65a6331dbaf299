// Heat maps over depth and time.
#include "report/charts.hpp"
#include "train/health/samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace resnet {
namespace {

/// Samples at even distances, the first and the last among them: more columns could not be told apart.
std::vector<std::size_t> columns_of(std::size_t samples) {
  constexpr std::size_t most = 60;
  std::vector<std::size_t> columns;
  const std::size_t count = std::min(samples, most);
  for (std::size_t column = 0; column < count; ++column)
    columns.push_back(count == 1 ? 0 : column * (samples - 1) / (count - 1));
  return columns;
}

struct Map {
  const char* title;
  const char* caption;
  std::vector<double> HealthSample::*figures;
  std::vector<std::string> HealthSample::*rows;
  bool logarithm;
};

constexpr Map maps[] = {
    {"Gradient by what a layer reads, log10 of its norm",
     "A network whose upper rows fade has a gradient that vanishes on its way to the input.", &HealthSample::dx,
     &HealthSample::layers, true},
    {"What a step changes, log10 of rate |dL/dW| / |W|", "-3 is a rule of thumb; networks with batch norm bear more.",
     &HealthSample::update, &HealthSample::layers, true},
    {"Variance behind batch norm and ReLU, log10", "Of all images, places and channels.", &HealthSample::variance,
     &HealthSample::layers, true},
    {"Dead units, part of a layer", "0 for all images looked at; layers without a ReLU of their own are hatched.",
     &HealthSample::dead, &HealthSample::layers, false},
    {"Gradients of neighbouring images, cosine", "1 changes smoothly with the image, 0 is noise.",
     &HealthSample::correlation, &HealthSample::layers, false},
    {"Branch against shortcut, log10 of |F(x)| / |shortcut|", "Rows that fade are blocks that do less and less.",
     &HealthSample::ratio, &HealthSample::blocks, true},
};

/// What spreads over more decades is cut off below: at the end of a schedule the rate goes to 0.
constexpr double most_decades = 5;

/// The smallest or largest finite value; 0 without one.
double finite_end(const std::vector<double>& values, bool largest) {
  std::optional<double> end;
  for (const double value : values)
    if (std::isfinite(value) && (!end || (largest ? value > *end : value < *end))) end = value;
  return end.value_or(0);
}

std::string draw_map(const Map& map, const std::vector<HealthSample>& samples) {
  const std::vector<std::string>& rows = samples.front().*map.rows;
  HeatMap heat{.title = map.title, .x_label = "step", .y_label = "from input to output", .row_labels = rows};
  const std::vector<std::size_t> columns = columns_of(samples.size());
  for (const std::size_t column : columns) heat.column_labels.push_back(std::to_string(samples[column].step));
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (const std::size_t column : columns) {
      const double value = (samples[column].*map.figures)[row];
      heat.values.push_back(map.logarithm ? std::log10(value) : value);
    }
  if (!map.logarithm) {
    heat.low = std::min(0.0, finite_end(heat.values, false));
    heat.high = 1;
  } else if (const double high = finite_end(heat.values, true), low = finite_end(heat.values, false);
             high - low > most_decades) {
    heat.low = high - most_decades;
    heat.high = high;
  }
  return draw(heat);
}

}  // namespace

void add_samples(HtmlPage& page, const std::vector<HealthSample>& samples, int64_t every) {
  if (samples.size() < 2 || samples.front().layers.empty()) return;
  page.section("Health over depth and time");
  page.paragraph(
      fmt::format("Every {} steps, on the same images each time, without augmentation. The numbers are in "
                  "diagnosis.jsonl; `resnet diagnose RUN` puts the present state into words.",
                  every));
  for (const Map& map : maps)
    if (!(samples.front().*map.rows).empty()) page.figure(draw_map(map, samples), map.caption);
}

}  // namespace resnet
