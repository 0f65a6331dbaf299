// Memory for time (Chen et al. 2016, arXiv 1604.06174, at the grain of single cheap ops).
//
// What backward reads of a batch norm, an activation or a residual addition is computed again right before, from values
// that are kept anyway: the outputs of convolutions and every fifth residual sum. Were all sums computed again, each
// would need the one before it, back to the first.
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace resnet {
namespace {

constexpr int most_sums = 4;  // in a row; with two, ResNet-50 takes 8% more memory and the same time

bool is_sum(const Op& op) {
  const Binary* binary = std::get_if<Binary>(&op);
  return binary && binary->kind == BinaryKind::add;
}

/// The node that computes the same output again. A training batch norm is repeated as an inference one with the batch's
/// own statistics: the same formula, and no second update of the running ones.
Node clone_of(const Node& node) {
  Node clone = node;
  clone.name += ".again";
  clone.outputs = {node.outputs[0]};
  if (const BatchNorm* norm = std::get_if<BatchNorm>(&node.op)) {
    clone.op = BatchNormInference{norm->epsilon, norm->relu};
    clone.inputs.insert(clone.inputs.end(), {node.outputs[1], node.outputs[2]});
  }
  return clone;
}

/// What may be dropped, from input to output.
std::vector<const Node*> cheap_nodes(const Graph& graph) {
  std::vector<const Node*> cheap;
  std::map<Value, int> sums_below;  // of cheap outputs: the sums in a row that computing it again needs
  for (const Node& node : graph.nodes()) {
    const bool sum = is_sum(node.op);
    const bool is_cheap = sum || std::holds_alternative<BatchNorm>(node.op) || std::holds_alternative<Unary>(node.op);
    if (!is_cheap || node.phase != Phase::forward || graph.is_output(node.outputs[0])) continue;
    int sums = 0;
    for (Value input : node.inputs)
      if (const auto below = sums_below.find(input); below != sums_below.end()) sums = std::max(sums, below->second);
    if (sum) ++sums;
    if (sums > most_sums) continue;
    sums_below.emplace(node.outputs[0], sums);
    cheap.push_back(&node);
  }
  return cheap;
}

/// Bytes of each value that backward nodes read, and which must be kept for them.
std::map<Value, double> kept_bytes(const Graph& graph) {
  std::map<Value, double> kept;
  for (const Node& node : graph.nodes())
    if (node.phase == Phase::backward)
      for (Value input : node.inputs)
        kept[input] =
            static_cast<double>(graph[input].shape.elements()) * static_cast<double>(size_of(graph[input].dtype));
  return kept;
}

class Recomputing {
 public:
  Recomputing(const Graph& graph, double most_kept) : to_(graph) {
    const std::vector<const Node*> cheap = cheap_nodes(graph);
    std::map<Value, double> kept = kept_bytes(graph);
    double left = 0;
    for (const Node* node : cheap) left += kept[node->outputs[0]];
    for (const Node* node : cheap) {
      if (left <= most_kept) break;
      left -= kept[node->outputs[0]];
      dropped_.emplace(node->outputs[0], node);
    }
  }

  Graph write() {
    for (const Node& node : to_.source().nodes()) {
      if (node.phase != Phase::backward) {
        to_.copy(node);
        continue;
      }
      std::vector<Value> inputs;
      for (Value input : node.inputs) inputs.push_back(again(input));
      const std::vector<Value> outputs = to_.result().add_node(node.name, node.op, std::move(inputs), node.phase);
      for (std::size_t i = 0; i < outputs.size(); ++i) to_.map(node.outputs[i], outputs[i]);
    }
    return to_.finish();
  }

 private:
  // The value as backward finds it: a dropped one is computed again at its first use, with all that it needs, in the
  // order of the original nodes, so that a backend which joins neighbours joins the same ones.
  Value again(Value old) {
    if (!dropped_.contains(old)) return to_[old];
    std::set<const Node*> needed;  // they lie in one array: in the order of their addresses
    collect(old, needed);
    for (const Node* node : needed) {
      const Node clone = clone_of(*node);
      std::vector<Value> inputs;
      for (Value input : clone.inputs) inputs.push_back(again_.contains(input) ? again_.at(input) : to_[input]);
      again_.emplace(node->outputs[0],
                     to_.result().add_node(clone.name, clone.op, std::move(inputs), Phase::backward)[0]);
    }
    return again_.at(old);
  }

  void collect(Value old, std::set<const Node*>& needed) const {
    const auto dropped = dropped_.find(old);
    if (dropped == dropped_.end() || again_.contains(old) || !needed.insert(dropped->second).second) return;
    for (Value input : clone_of(*dropped->second).inputs) collect(input, needed);
  }

  Rewriter to_;
  std::map<Value, const Node*> dropped_;  // by output
  std::map<Value, Value> again_;
};

}  // namespace

Graph recompute(const Graph& graph, double most_kept) { return Recomputing(graph, most_kept).write(); }

}  // namespace resnet
