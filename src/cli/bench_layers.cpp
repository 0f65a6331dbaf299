#include "cli/bench_layers.hpp"

#include "base/files.hpp"
#include "base/log.hpp"
#include "cli/bench_step.hpp"
#include "cli/options.hpp"
#include "graph/op_functions.hpp"
#include "report/charts.hpp"
#include "report/tables.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace resnet::cli {
namespace {

struct LayerTime {
  std::string node, op, implementation;
  double seconds = 0;  // median over the steps
  double flop = 0, bytes = 0;
};

struct Profile {
  std::vector<LayerTime> layers;  // in the order in which they run
  double seconds = 0;             // their sum
  Ceilings ceilings;
  Precision precision = Precision::fp32;

  double peak() const { return precision == Precision::bf16 && ceilings.bf16 > 0 ? ceilings.bf16 : ceilings.fp32; }
};

Profile profile(const BenchCase& bench) {
  const auto threads = std::make_shared<ThreadPool>(bench.threads);
  Profile result{.layers = {}, .ceilings = measure_ceilings(*threads), .precision = bench.step.precision};
  const auto step = compiled_step(bench, {.threads = threads});
  const Executable& executable = *step->executable;
  const std::vector<double> times = median_seconds(*step->executable, bench.seconds);
  std::map<std::string, std::string> ops;
  for (const Node& node : step->graph.nodes()) ops.emplace(node.name, name_of(node.op));
  for (std::size_t i = 0; i < times.size(); ++i) {
    const StepInfo& info = executable.steps()[i];
    const bool moved = info.implementation.starts_with("reorder") || !ops.contains(info.node);
    result.layers.push_back({info.node, moved ? "reorder" : ops.at(info.node), info.implementation, times[i],
                             2 * static_cast<double>(info.macs), static_cast<double>(info.bytes)});
    result.seconds += result.layers.back().seconds;
  }
  return result;
}

/// The sums over the layers of one op, or over all.
LayerTime sum_of(const std::vector<LayerTime>& layers, const std::string& op) {
  LayerTime sum{.node = {}, .op = op, .implementation = {}};
  int count = 0;
  for (const LayerTime& layer : layers) {
    if (!op.empty() && layer.op != op) continue;
    sum.seconds += layer.seconds;
    sum.flop += layer.flop;
    sum.bytes += layer.bytes;
    ++count;
  }
  sum.node = op.empty() ? "all" : fmt::format("{} of {}", count, op);
  return sum;
}

Json json_of(const Profile& profile, const LayerTime& layer) {
  return {{"node", layer.node},
          {"op", layer.op},
          {"implementation", layer.implementation},
          {"ms", layer.seconds * 1e3},
          {"gflop_per_second", layer.flop / layer.seconds / 1e9},
          {"gb_per_second", layer.bytes / layer.seconds / 1e9},
          {"of_compute", layer.flop / layer.seconds / profile.peak()},
          {"of_memory", layer.bytes / layer.seconds / profile.ceilings.memory}};
}

void add_row(Table& table, const Profile& profile, const LayerTime& layer) {
  const auto rate = [](double value) { return value > 0 ? fmt::format("{:.1f}", value / 1e9) : std::string(); };
  table.row({layer.node, layer.implementation, fmt::format("{:.3f}", layer.seconds * 1e3),
             percent(layer.seconds / profile.seconds), rate(layer.flop / layer.seconds),
             layer.flop > 0 ? percent(layer.flop / layer.seconds / profile.peak()) : "",
             rate(layer.bytes / layer.seconds), percent(layer.bytes / layer.seconds / profile.ceilings.memory)});
}

std::vector<std::string> ops_by_time(const Profile& profile) {
  std::vector<std::string> ops;
  for (const LayerTime& layer : profile.layers)
    if (std::ranges::find(ops, layer.op) == ops.end()) ops.push_back(layer.op);
  std::ranges::sort(ops, [&](const std::string& a, const std::string& b) {
    return sum_of(profile.layers, a).seconds > sum_of(profile.layers, b).seconds;
  });
  return ops;
}

void print_tables(const Profile& profile, TableFormat format) {
  Table table({{"node"},
               {"implementation"},
               {"ms", Align::right},
               {"share", Align::right},
               {"GFLOP/s", Align::right},
               {"of peak", Align::right},
               {"GB/s", Align::right},
               {"of memory", Align::right}});
  for (const LayerTime& layer : profile.layers) add_row(table, profile, layer);
  if (format == TableFormat::csv) return print_text("{}", to_csv(table));
  for (const std::string& op : ops_by_time(profile)) add_row(table, profile, sum_of(profile.layers, op));
  add_row(table, profile, sum_of(profile.layers, ""));
  print_text("{}", format == TableFormat::markdown ? to_markdown(table) : to_text(table));
}

/// Williams, Waterman & Patterson 2009: what a layer reaches against the arithmetic it has for each byte, below the
/// roof of both ceilings.
LineChart roofline(const Profile& profile, const BenchCase& bench) {
  LineChart chart{.title = fmt::format("{} {}, batch {}, {}, {} threads", bench.model, bench.mode, bench.batch,
                                       name_of(bench.step.precision), bench.threads),
                  .x_label = "FLOP for each byte read or written",
                  .y_label = "GFLOP/s",
                  .x_scale = Scale::logarithmic,
                  .y_scale = Scale::logarithmic,
                  .series = {},
                  .width = 760,
                  .height = 460};
  std::map<std::string, Series> groups;
  double least = 1, most = 100;
  for (const LayerTime& layer : profile.layers) {
    if (layer.flop <= 0) continue;
    Series& series = groups[layer.op];
    series.x.push_back(layer.flop / layer.bytes);
    series.y.push_back(layer.flop / layer.seconds / 1e9);
    least = std::min(least, series.x.back());
    most = std::max(most, series.x.back());
  }
  Series roof{
      .name = fmt::format("ceiling: {:.0f} GFLOP/s, {:.0f} GB/s", profile.peak() / 1e9, profile.ceilings.memory / 1e9)};
  for (const double x : {least, profile.peak() / profile.ceilings.memory, most * 1.5}) {
    roof.x.push_back(x);
    roof.y.push_back(std::min(profile.peak(), x * profile.ceilings.memory) / 1e9);
  }
  chart.series.push_back(std::move(roof));
  for (auto& [op, series] : groups) {
    series.name = op;
    series.open = true;
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace

void show_layers(const LayersRequest& request) {
  log_info("{} of {} at batch {}, {} threads, {}", request.bench.mode, request.bench.model, request.bench.batch,
           request.bench.threads, name_of(request.bench.step.precision));
  const Profile found = profile(request.bench);
  if (!request.roofline.empty()) write_file(request.roofline, draw(roofline(found, request.bench)));
  if (!request.json) {
    if (request.format == TableFormat::text)
      print_text("ceilings: {:.1f} GFLOP/s in fp32, {:.1f} in bf16, {:.1f} GB/s of memory\n\n",
                 found.ceilings.fp32 / 1e9, found.ceilings.bf16 / 1e9, found.ceilings.memory / 1e9);
    print_tables(found, request.format);
    const bool above = std::ranges::any_of(
        found.layers, [&](const LayerTime& layer) { return layer.flop / layer.seconds > found.peak(); });
    if (above && request.format == TableFormat::text)
      print_text(
          "\nMore than the peak: Winograd's algorithm makes fewer multiplications than the formula, which counts.\n");
    return;
  }
  Json layers = Json::array(), ops = Json::array();
  for (const LayerTime& layer : found.layers) layers.push_back(json_of(found, layer));
  for (const std::string& op : ops_by_time(found)) ops.push_back(json_of(found, sum_of(found.layers, op)));
  print_json({{"ceilings",
               {{"fp32_gflop_per_second", found.ceilings.fp32 / 1e9},
                {"bf16_gflop_per_second", found.ceilings.bf16 / 1e9},
                {"memory_gb_per_second", found.ceilings.memory / 1e9}}},
              {"layers", layers},
              {"ops", ops},
              {"all", json_of(found, sum_of(found.layers, ""))}});
}

}  // namespace resnet::cli
