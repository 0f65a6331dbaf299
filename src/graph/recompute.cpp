// Memory for time (Chen et al. 2016, arXiv 1604.06174, at the grain of single cheap ops).
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <map>

namespace resnet {
namespace {

// A node that gives the same output again from values that are kept anyway, if there is one.
// A training batch norm is repeated as an inference one with the batch's own statistics: the same formula, and no
// second update of the running ones.
std::optional<Node> clone_of(const Node& node) {
  Node clone = node;
  clone.name += ".again";
  clone.phase = Phase::backward;
  clone.outputs = {node.outputs[0]};
  if (const BatchNorm* norm = std::get_if<BatchNorm>(&node.op)) {
    clone.op = BatchNormInference{norm->epsilon, norm->relu};
    clone.inputs.insert(clone.inputs.end(), {node.outputs[1], node.outputs[2]});
    return clone;
  }
  if (std::holds_alternative<Unary>(node.op)) return clone;
  return std::nullopt;
}

}  // namespace

Graph recompute(const Graph& graph) {
  Rewriter to(graph);
  std::map<Value, Value> again;  // old value -> its clone
  for (const Node& node : graph.nodes()) {
    if (node.phase != Phase::backward) {
      to.copy(node);
      continue;
    }
    std::vector<Value> inputs;
    for (Value input : node.inputs) {
      const int producer = graph[input].producer;
      const Node* source = producer < 0 ? nullptr : &graph.nodes()[static_cast<std::size_t>(producer)];
      const bool cheap =
          source && source->phase == Phase::forward && source->outputs[0] == input && !graph.is_output(input);
      const std::optional<Node> clone = cheap ? clone_of(*source) : std::nullopt;
      if (clone && !again.contains(input))
        again.emplace(input,
                      to.result().add_node(clone->name, clone->op, to.mapped(clone->inputs), Phase::backward)[0]);
      inputs.push_back(clone ? again.at(input) : to[input]);
    }
    const std::vector<Value> outputs = to.result().add_node(node.name, node.op, std::move(inputs), node.phase);
    for (std::size_t i = 0; i < outputs.size(); ++i) to.map(node.outputs[i], outputs[i]);
  }
  return to.finish();
}

}  // namespace resnet
