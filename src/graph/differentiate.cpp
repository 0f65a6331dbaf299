#include "graph/differentiate.hpp"

#include "base/error.hpp"
#include "graph/op_functions.hpp"

#include <algorithm>

namespace resnet {

Gradients::Gradients(Graph& graph, const std::vector<Value>& wanted) : graph_(graph), needed_(graph.values().size()) {
  for (Value value : wanted) needed_[static_cast<std::size_t>(value.id)] = true;
  for (const Node& node : graph.nodes()) mark_needed(node);
}

// A gradient is of use at a value if it is wanted there or at something it was computed from.
void Gradients::mark_needed(const Node& node) {
  if (std::holds_alternative<StopGradient>(node.op)) return;
  if (std::ranges::none_of(node.inputs, [&](Value input) { return wants(input); })) return;
  for (Value output : node.outputs) needed_[static_cast<std::size_t>(output.id)] = true;
}

Value Gradients::of(Value value) const {
  const auto found = gradients_.find(value);
  return found == gradients_.end() ? Value{} : found->second;
}

void Gradients::flow(Value value, Value gradient) {
  if (!wants(value)) return;
  Value& sum = gradients_[value];
  if (!sum)
    sum = gradient;
  else
    sum = graph_.add_node(graph_[value].name + ".sum", Binary{.kind = BinaryKind::add}, {sum, gradient},
                          Phase::backward)[0];
}

std::vector<Value> Gradients::emit(const Node& node, const std::string& suffix, Op op, std::vector<Value> inputs) {
  return graph_.add_node(node.name + "." + suffix, std::move(op), std::move(inputs), Phase::backward);
}

std::map<Value, Value> differentiate(Graph& graph, const std::vector<GradientSeed>& seeds,
                                     const std::vector<Value>& wanted) {
  Gradients g(graph, wanted);
  for (const GradientSeed& seed : seeds) {
    Value gradient = seed.gradient;
    if (!gradient)
      gradient = graph.add_node(graph[seed.value].name + ".seed",
                                Fill{graph[seed.value].shape, graph[seed.value].dtype, 1}, {}, Phase::backward)[0];
    if (!(graph[gradient].shape == graph[seed.value].shape))
      fail("differentiate: the gradient of '", graph[seed.value].name, "' expects ", graph[seed.value].shape, ", got ",
           graph[gradient].shape);
    g.flow(seed.value, gradient);
  }
  for (std::size_t index = g.needed_.empty() ? 0 : graph.nodes().size(); index-- > 0;) {
    const Node node = graph.nodes()[index];  // a copy: emitting appends to the list
    if (std::ranges::none_of(node.outputs, [&](Value output) { return bool(g.of(output)); })) continue;
    if (std::ranges::none_of(node.inputs, [&](Value input) { return g.wants(input); })) continue;
    // Further outputs (batch statistics, positions, probabilities) have no gradient; dropping one would go unnoticed.
    if (std::any_of(node.outputs.begin() + 1, node.outputs.end(), [&](Value output) { return bool(g.of(output)); }))
      no_gradient(node);
    std::visit([&](const auto& op) { backward(op, node, g); }, node.op);
  }
  std::map<Value, Value> result;
  for (Value value : wanted)
    if (const Value gradient = g.of(value)) result.emplace(value, gradient);
  return result;
}

}  // namespace resnet
