#include "models/cost.hpp"

#include "graph/op_functions.hpp"

#include <set>
#include <string>

namespace resnet {

NetworkCost network_cost(const Graph& graph) {
  NetworkCost total;
  std::set<Value> counted;
  for (const Node& node : graph.nodes()) {
    if (node.phase != Phase::forward) continue;
    LayerCost layer{node.name, std::string(name_of(node.op)), describe(node.op), graph[node.outputs.front()].shape,
                    0,         cost(graph, node).macs};
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
