// Mixed precision as a pass: casts become nodes, and a value's type says how it is stored.
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <map>

namespace resnet {
namespace {

bool runs_in_low_precision(const Op& op) {
  return std::holds_alternative<Conv>(op) || std::holds_alternative<ConvGradInput>(op) ||
         std::holds_alternative<ConvGradWeight>(op) || std::holds_alternative<Linear>(op) ||
         std::holds_alternative<LinearGradInput>(op) || std::holds_alternative<LinearGradWeight>(op);
}

}  // namespace

Graph insert_casts(const Graph& graph, Precision precision) {
  if (precision == Precision::fp32) return graph;
  Rewriter to(graph);
  std::map<Value, Value> low;  // old f32 value -> its bf16 copy
  const auto lowered = [&](Value old, Phase phase) {
    if (graph[old].dtype != DType::f32) return to[old];
    const auto known = low.find(old);
    if (known != low.end()) return known->second;
    const Value cast = to.result().add_node(graph[old].name + ".bf16", Cast{DType::bf16}, {to[old]}, phase)[0];
    low.emplace(old, cast);
    return cast;
  };
  for (const Node& node : graph.nodes()) {
    if (!runs_in_low_precision(node.op)) {
      to.copy(node);
      continue;
    }
    std::vector<Value> inputs;
    for (Value input : node.inputs) inputs.push_back(lowered(input, node.phase));
    const Value y = to.result().add_node(node.name, node.op, std::move(inputs), node.phase)[0];
    to.map(node.outputs[0], to.result().add_node(node.name + ".f32", Cast{DType::f32}, {y}, node.phase)[0]);
  }
  return to.finish();
}

}  // namespace resnet
