// Frozen layers: parameters that training leaves as they are.
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <algorithm>

namespace resnet {
namespace {

/// The running statistic that takes in `batch`, and the node that does it; invalid if there is none.
std::pair<Value, const Node*> running_of(const Graph& graph, Value batch) {
  for (const Node& node : graph.nodes())
    if (std::holds_alternative<UpdateRunning>(node.op) && node.inputs[1] == batch) return {node.inputs[0], &node};
  return {};
}

}  // namespace

Graph freeze(const Graph& graph, const std::set<std::string>& parameters) {
  const auto frozen = [&](Value value) { return parameters.contains(graph[value].name); };
  std::set<const Node*> dropped;
  Rewriter to(graph);
  for (const Node& node : graph.nodes()) {
    if (dropped.contains(&node)) continue;
    const BatchNorm* norm = std::get_if<BatchNorm>(&node.op);
    if (!norm || !frozen(node.inputs[1]) || !frozen(node.inputs[2])) {
      to.copy(node);
      continue;
    }
    const auto [mean, mean_update] = running_of(graph, node.outputs[1]);
    const auto [var, var_update] = running_of(graph, node.outputs[2]);
    if (!mean || !var) {
      to.copy(node);  // a batch norm without running statistics has nothing else to normalise with
      continue;
    }
    dropped.insert({mean_update, var_update});
    const BatchNormInference op{norm->epsilon, norm->relu};
    to.map(node.outputs[0],
           to.result().add_node(node.name, op,
                                {to[node.inputs[0]], to[node.inputs[1]], to[node.inputs[2]], to[mean], to[var]})[0]);
  }
  return to.finish();
}

}  // namespace resnet
