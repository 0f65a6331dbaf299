#include "cli/bench_charts.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "report/charts.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace resnet::cli {
namespace {

/// "resnet56" -> 56; nothing for names that end in no number.
double depth_of(const std::string& model) {
  const auto digits = std::find_if_not(model.rbegin(), model.rend(), [](unsigned char c) { return std::isdigit(c); });
  const std::string number(digits.base(), model.end());
  return number.empty() ? 0 : std::stod(number);
}

struct Axis {
  const char *name, *label;
};

double place(const Json& row, const Axis& axis) {
  if (std::string_view(axis.name) == "depth") return depth_of(row["model"].get<std::string>());
  return row[axis.name].get<double>();
}

/// What a row is apart from its place on the axis: rows of one curve have it in common.
std::string curve_of(const Json& row, const Axis& axis, const std::vector<Axis>& varied) {
  std::string name = row["mode"].get<std::string>() + ", " + row["precision"].get<std::string>();
  for (const Axis& other : varied)
    if (std::string_view(other.name) != axis.name)
      name += std::string_view(other.name) == "depth" ? ", " + row["model"].get<std::string>()
                                                      : text_of(", ", other.name, " ", row[other.name].get<int64_t>());
  return name;
}

LineChart chart_over(const Json& results, const Axis& axis, const std::vector<Axis>& varied, const char* key,
                     const char* label) {
  LineChart chart{.title = text_of(label, " by ", axis.name),
                  .x_label = axis.label,
                  .y_label = label,
                  .x_scale = Scale::logarithmic,
                  .y_scale = Scale::logarithmic,
                  .series = {}};
  std::map<std::string, std::map<double, double>> curves;
  for (const Json& row : results) curves[curve_of(row, axis, varied)][place(row, axis)] = row[key].get<double>();
  for (const auto& [name, points] : curves) {
    Series series{.name = name};
    for (const auto& [x, y] : points) {
      series.x.push_back(x);
      series.y.push_back(y);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace

void write_charts(const Json& results, const std::filesystem::path& folder) {
  std::vector<Axis> varied;
  for (const Axis& axis : {Axis{"depth", "layers"}, Axis{"batch", "images in a step"}, Axis{"threads", "threads"}}) {
    std::set<double> places;
    for (const Json& row : results) places.insert(place(row, axis));
    if (places.size() > 1) varied.push_back(axis);
  }
  if (varied.empty())
    fail_usage(
        "bench: --charts needs rows that differ in depth, batch or threads; name several, such as --batch 1,8,64");
  make_directory(folder);
  for (const Axis& axis : varied) {
    write_file(folder / text_of("images-by-", axis.name, ".svg"),
               draw(chart_over(results, axis, varied, "images_per_second", "images/s")));
    write_file(folder / text_of("memory-by-", axis.name, ".svg"),
               draw(chart_over(results, axis, varied, "peak_rss_mib", "peak memory (MiB)")));
  }
}

}  // namespace resnet::cli
