#include "cli/bench_candidates.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/bench_step.hpp"
#include "graph/op_functions.hpp"
#include "report/tables.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace resnet::cli {
namespace {

struct Candidate {
  const char* name;
  Convolutions convolutions;
};

constexpr std::array candidates = {Candidate{"shipped", Convolutions::shipped},
                                   Candidate{"direct", Convolutions::direct},
                                   Candidate{"winograd", Convolutions::winograd}};

/// Convolutions of one shape in one pass.
struct Group {
  int count = 0;
  std::map<std::string, double> seconds;  // by candidate: of all of them
  std::map<std::string, std::string> implementation;
};

using Groups = std::map<std::string, Group>;

bool is_convolution(const Op& op) {
  return std::holds_alternative<Conv>(op) || std::holds_alternative<ConvGradInput>(op) ||
         std::holds_alternative<ConvGradWeight>(op);
}

/// "conv 3x3 /2 pad 1, 64x56x56 to 128x28x28"
std::string shape_of(const Graph& graph, const Node& node) {
  const auto image = [&](Value value) {
    const Shape& s = graph[value].shape;
    return text_of(s.c(), "x", s.h(), "x", s.w());
  };
  const bool weight = std::holds_alternative<ConvGradWeight>(node.op),
             input = std::holds_alternative<ConvGradInput>(node.op);
  const Value x = input ? node.outputs[0] : node.inputs[0];
  const Value y = input || weight ? node.inputs[1] : node.outputs[0];
  return text_of(name_of(node.op), " ", describe(node.op), ", ", image(x), " to ", image(y));
}

// A convolution's steps (packing its weights, adding up lanes) carry its name.
void add_times(Groups& groups, const CompiledStep& step, const std::vector<double>& times, const char* candidate) {
  std::map<std::string, std::string> shapes;
  for (const Node& node : step.graph.nodes())
    if (is_convolution(node.op)) shapes.emplace(node.name, shape_of(step.graph, node));
  for (const auto& [name, shape] : shapes)
    if (std::string_view(candidate) == candidates[0].name) ++groups[shape].count;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const StepInfo& info = step.executable->steps()[i];
    const auto shape = shapes.find(info.node);
    if (shape == shapes.end()) continue;
    Group& group = groups[shape->second];
    group.seconds[candidate] += times[i];
    if (info.macs > 0) group.implementation[candidate] = info.implementation;
  }
}

std::string fastest_of(const Group& group) {
  return std::ranges::min_element(group.seconds, {}, [](const auto& one) { return one.second; })->first;
}

/// What the table should name, measured here: another candidate only where it is faster by more than the noise.
const std::string& would_ship(const Group& group) {
  constexpr double noise = 1.05;
  const std::string fastest = fastest_of(group);
  const bool better = group.seconds.at(candidates[0].name) > noise * group.seconds.at(fastest);
  return group.implementation.at(better ? fastest : candidates[0].name);
}

Json json_of(const std::string& shape, const Group& group) {
  Json row = {{"convolution", shape},
              {"count", group.count},
              {"fastest", fastest_of(group)},
              {"would_ship", would_ship(group)}};
  for (const auto& [name, seconds] : group.seconds)
    row["candidates"][name] = {{"ms", seconds * 1e3}, {"implementation", group.implementation.at(name)}};
  return row;
}

}  // namespace

void show_candidates(const LayersRequest& request) {
  const auto threads = std::make_shared<ThreadPool>(request.bench.threads);
  Groups groups;
  for (const Candidate& candidate : candidates) {
    // Winograd's algorithm is one of fp32.
    if (candidate.convolutions == Convolutions::winograd && request.bench.step.precision != Precision::fp32) continue;
    log_info("{} of {} at batch {}, {} threads, {}: {}", request.bench.mode, request.bench.model, request.bench.batch,
             request.bench.threads, name_of(request.bench.step.precision), candidate.name);
    const auto step = compiled_step(request.bench, {.threads = threads, .convolutions = candidate.convolutions});
    add_times(groups, *step, median_seconds(*step->executable, request.bench.seconds / candidates.size()),
              candidate.name);
  }
  Table table({{"convolution"},
               {"layers", Align::right},
               {"shipped"},
               {"ms", Align::right},
               {"direct (ms)", Align::right},
               {"winograd (ms)", Align::right},
               {"shipped / fastest", Align::right},
               {"would ship"}});
  Json rows = Json::array();
  for (const auto& [shape, group] : groups) {
    rows.push_back(json_of(shape, group));
    // Where Winograd's algorithm does not apply, its candidate is the direct one again.
    const auto applies = [&](const char* name) {
      return group.seconds.contains(name) && (std::string_view(name) != "winograd" ||
                                              group.implementation.at(name) != group.implementation.at("direct"));
    };
    const auto ms = [&](const char* name) {
      return applies(name) ? fmt::format("{:.3f}", group.seconds.at(name) * 1e3) : std::string();
    };
    table.row({shape, std::to_string(group.count), group.implementation.at("shipped"), ms("shipped"), ms("direct"),
               ms("winograd"), fmt::format("{:.2f}", group.seconds.at("shipped") / group.seconds.at(fastest_of(group))),
               would_ship(group)});
  }
  if (request.json) return print_json({{"convolutions", rows}});
  if (request.format == TableFormat::csv) return print_text("{}", to_csv(table));
  print_text("{}", request.format == TableFormat::markdown ? to_markdown(table) : to_text(table));
}

}  // namespace resnet::cli
