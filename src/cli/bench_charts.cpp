#include "cli/bench_charts.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "models/model.hpp"
#include "report/charts.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace resnet::cli {
namespace {

struct Axis {
  const char *name, *label;
};

double place(const Json& row, const Axis& axis) {
  if (std::string_view(axis.name) == "depth") return weight_layers(find_model(row["model"].get<std::string>()));
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
  for (const Json& row : results) {
    std::string name = curve_of(row, axis, varied);
    // Networks of one depth (resnet56, plain56) must not hide each other.
    if (curves[name].contains(place(row, axis))) name += ", " + row["model"].get<std::string>();
    curves[name][place(row, axis)] = row[key].get<double>();
  }
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

/// In which the rows differ.
std::vector<Axis> varied_axes(const Json& rows) {
  std::vector<Axis> varied;
  for (const Axis& axis : {Axis{"depth", "layers"}, Axis{"batch", "images in a step"}, Axis{"threads", "threads"}}) {
    std::set<double> places;
    for (const Json& row : rows) places.insert(place(row, axis));
    if (places.size() > 1) varied.push_back(axis);
  }
  if (varied.empty())
    fail_usage(
        "bench: --charts needs rows that differ in depth, batch or threads; name several, such as --batch 1,8,64");
  return varied;
}

}  // namespace

void expect_axes(const std::vector<BenchCase>& cases) {
  Json rows = Json::array();
  for (const BenchCase& one : cases)
    rows.push_back({{"model", one.model}, {"batch", one.batch}, {"threads", one.threads}});
  varied_axes(rows);
}

void write_charts(const Json& results, const std::filesystem::path& folder) {
  const std::vector<Axis> varied = varied_axes(results);
  make_directory(folder);
  for (const Axis& axis : varied) {
    write_file(folder / text_of("images-by-", axis.name, ".svg"),
               draw(chart_over(results, axis, varied, "images_per_second", "images/s")));
    write_file(folder / text_of("memory-by-", axis.name, ".svg"),
               draw(chart_over(results, axis, varied, "peak_rss_mib", "peak memory (MiB)")));
  }
}

}  // namespace resnet::cli
