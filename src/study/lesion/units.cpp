#include "study/lesion/units.hpp"

#include "base/error.hpp"
#include "graph/op_functions.hpp"
#include "graph/rewrite.hpp"
#include "models/watch.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

namespace resnet {
namespace {

bool is_state(const Graph& graph, Value value) {
  const ValueKind kind = graph[value].kind;
  return kind != ValueKind::computed && kind != ValueKind::input;
}

/// The nodes that `output` depends on, back to `input`.
std::vector<std::size_t> nodes_between(const Graph& graph, Value input, Value output) {
  std::set<std::size_t> found;
  std::vector<Value> open{output};
  while (!open.empty()) {
    const Value value = open.back();
    open.pop_back();
    const int producer = graph[value].producer;
    if (value == input || producer < 0 || !found.insert(static_cast<std::size_t>(producer)).second) continue;
    const std::vector<Value>& inputs = graph.nodes()[static_cast<std::size_t>(producer)].inputs;
    open.insert(open.end(), inputs.begin(), inputs.end());
  }
  return {found.begin(), found.end()};
}

/// What turns `from` into `to`: nothing, or every stride-th pixel and channels of zeros. None if neither does.
std::optional<Subsample> resampling(const Shape& from, const Shape& to) {
  if (from == to) return Subsample{.stride = 1};
  if (from.rank() != 4 || to.rank() != 4 || to.h() < 1 || to.h() > from.h() || to.c() < from.c()) return std::nullopt;
  const int64_t stride = (from.h() + to.h() - 1) / to.h(), zeros = to.c() - from.c();
  const auto left = [&](int64_t pixels) { return (pixels + stride - 1) / stride; };
  if (left(from.h()) != to.h() || left(from.w()) != to.w()) return std::nullopt;
  return Subsample{.stride = static_cast<int>(stride), .before = zeros / 2, .after = zeros - zeros / 2};
}

void add_blocks(LesionUnits& found, const WatchedGraph& watched) {
  for (const WatchedBlock& block : watched.blocks) {
    for (const Value copy : {block.branch_input, block.shortcut_input})
      found.copies.insert(found.graph.nodes()[static_cast<std::size_t>(found.graph[copy].producer)].name);
    found.units.push_back({.name = block.name,
                           .layer = block.layers.back() + 1,
                           .layers = block.layers.size(),
                           .output = block.sum,
                           .instead = block.shortcut,
                           .resamples = !(found.graph[block.input].shape == found.graph[block.sum].shape),
                           .nodes = nodes_between(found.graph, block.input, block.sum)});
  }
}

void add_layers(LesionUnits& found, const WatchedGraph& watched) {
  for (std::size_t index = 1; index + 1 < watched.layers.size(); ++index) {
    const WatchedLayer& layer = watched.layers[index];
    const Shape &from = found.graph[layer.input].shape, &to = found.graph[layer.output].shape;
    if (!resampling(from, to)) {
      found.untouched.push_back(layer.name);
      continue;
    }
    found.units.push_back({.name = layer.name,
                           .layer = index + 1,
                           .output = layer.output,
                           .instead = layer.input,
                           .resamples = !(from == to),
                           .nodes = nodes_between(found.graph, layer.input, layer.output)});
  }
}

/// Whose states each node reads, where that is not its own: pairs of nodes, by index.
std::vector<std::size_t> lenders(const LesionUnits& units, const std::vector<std::size_t>& order) {
  std::vector<std::size_t> lender(units.graph.nodes().size());
  std::iota(lender.begin(), lender.end(), std::size_t{0});
  for (std::size_t place = 0; place < order.size(); ++place) {
    const std::vector<std::size_t>&to = units.units[place].nodes, &from = units.units[order[place]].nodes;
    for (std::size_t k = 0; k < to.size(); ++k) lender[to[k]] = from[k];
  }
  return lender;
}

Value in_shape_of(Rewriter& to, const LesionUnit& unit) {
  const Graph& graph = to.source();
  const Value instead = to[unit.instead];
  const Shape &from = graph[unit.instead].shape, &wanted = graph[unit.output].shape;
  if (from == wanted) return instead;
  return to.result().add_node(unit.name + ".resampled", *resampling(from, wanted), {instead})[0];
}

}  // namespace

LesionUnits find_units(const Graph& forward) {
  WatchedGraph watched = watch(forward);
  LesionUnits found{
      .graph = watched.graph, .copies = {}, .units = {}, .untouched = {}, .residual = !watched.blocks.empty()};
  if (found.residual)
    add_blocks(found, watched);
  else if (watched.joined.empty())
    add_layers(found, watched);
  if (found.units.empty())
    fail_usage("lesion: the network has neither residual blocks nor inner layers that can be taken out",
               watched.joined.empty() ? "" : " (each layer of a dense network reads all earlier ones)");
  return found;
}

Graph lesioned(const LesionUnits& units, const Lesion& lesion) {
  const Graph& graph = units.graph;
  Rewriter to(graph);
  const std::vector<std::size_t> lender = lenders(units, lesion.order);
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    Node node = graph.nodes()[index];
    if (units.copies.contains(node.name)) {
      to.map(node.outputs[0], to[node.inputs[0]]);
      continue;
    }
    const Node& from = graph.nodes()[lender[index]];
    for (std::size_t k = 0; k < node.inputs.size(); ++k)
      if (is_state(graph, node.inputs[k])) node.inputs[k] = from.inputs[k];
    to.copy(node);
    for (const std::size_t deleted : lesion.deleted) {
      const LesionUnit& unit = units.units[deleted];
      if (node.outputs[0] == unit.output) to.map(unit.output, in_shape_of(to, unit));
    }
  }
  return to.finish();
}

ModelSpec lesioned(const ModelSpec& spec, const Lesion& lesion) {
  const auto build = [&](int64_t batch) {
    return lesioned(find_units(forward_graph(spec, batch, Mode::inference)), lesion);
  };
  return {.name = spec.name,
          .family = Family::written_out,
          .input = spec.input,
          .classes = spec.classes,
          .written = write_out(build)};
}

bool interchangeable(const LesionUnits& units, std::size_t a, std::size_t b) {
  const Graph& graph = units.graph;
  const std::vector<std::size_t>&first = units.units[a].nodes, &second = units.units[b].nodes;
  const auto same_state = [&](Value x, Value y) {
    if (is_state(graph, x) != is_state(graph, y)) return false;
    return graph[x].shape == graph[y].shape;
  };
  const auto same = [&](std::size_t x, std::size_t y) {
    const Node &one = graph.nodes()[x], &other = graph.nodes()[y];
    return one.op.index() == other.op.index() && describe(one.op) == describe(other.op) &&
           std::ranges::equal(one.inputs, other.inputs, same_state);
  };
  return std::ranges::equal(first, second, same);
}

double kendall_tau(const std::vector<std::size_t>& order) {
  int64_t agreements = 0, pairs = 0;
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      ++pairs;
      agreements += order[i] < order[j] ? 1 : -1;
    }
  return pairs > 0 ? static_cast<double>(agreements) / static_cast<double>(pairs) : 1;
}

}  // namespace resnet
