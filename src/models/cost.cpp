#include "models/cost.hpp"

#include "graph/op_functions.hpp"

#include <set>
#include <string>

namespace resnet {
namespace {

std::vector<ValueType> types_of(const Graph& graph, const std::vector<Value>& values) {
  std::vector<ValueType> types;
  for (const Value value : values) types.push_back(graph[value].type());
  return types;
}

int64_t macs_of(const Graph& graph, const Node& node) {
  const std::vector<ValueType> inputs = types_of(graph, node.inputs), outputs = types_of(graph, node.outputs);
  return std::visit([&](const auto& op) { return cost(op, inputs, outputs).macs; }, node.op);
}

}  // namespace

NetworkCost network_cost(const Graph& graph) {
  NetworkCost total;
  std::set<Value> counted;
  for (const Node& node : graph.nodes()) {
    if (node.phase != Phase::forward) continue;
    LayerCost layer{node.name, std::string(name_of(node.op)), describe(node.op), graph[node.outputs.front()].shape,
                    0,         macs_of(graph, node)};
    for (const Value input : node.inputs)
      if (graph[input].kind == ValueKind::parameter && counted.insert(input).second)
        layer.parameters += graph[input].shape.elements();
    total.parameters += layer.parameters;
    total.macs += layer.macs;
    total.layers.push_back(std::move(layer));
  }
  return total;
}

NetworkCost network_cost(const ModelSpec& spec) {
  Builder net(Mode::inference);
  const Value images = net.input("images", {1, spec.input.channels, spec.input.height, spec.input.width});
  net.observe("logits", build_network(net, spec, images));
  return network_cost(net.take());
}

}  // namespace resnet
