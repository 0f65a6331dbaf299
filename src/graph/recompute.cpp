// Memory for time (Chen et al. 2016, arXiv 1604.06174, at the grain of single cheap ops).
//
// What backward reads of a batch norm, an activation or a residual addition is computed again right before, from values
// that are kept anyway: the outputs of convolutions and every third residual sum. Were all sums computed again, each
// would need the one before it, back to the first.
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <algorithm>
#include <map>

namespace resnet {
namespace {

constexpr int most_sums = 2;  // in a row; with one, ResNet-50 takes 4% more memory and the same time

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

class Recomputing {
 public:
  explicit Recomputing(const Graph& graph) : to_(graph), sums_below_(graph.values().size()) {
    for (const Node& node : graph.nodes()) choose(node);
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
  void choose(const Node& node) {
    const bool sum = is_sum(node.op);
    const bool cheap = std::holds_alternative<BatchNorm>(node.op) || std::holds_alternative<Unary>(node.op) || sum;
    if (!cheap || node.phase != Phase::forward || to_.source().is_output(node.outputs[0])) return;
    int sums = sum ? 1 : 0;
    for (Value input : node.inputs) sums = std::max(sums, sums_below_[index_of(input)] + (sum ? 1 : 0));
    if (sums > most_sums) return;
    dropped_.emplace(node.outputs[0], &node);
    sums_below_[index_of(node.outputs[0])] = sums;
  }

  // The value as backward finds it: a dropped one is computed again at its first use.
  Value again(Value old) {
    const auto dropped = dropped_.find(old);
    if (dropped == dropped_.end()) return to_[old];
    const auto known = again_.find(old);
    if (known != again_.end()) return known->second;
    const Node clone = clone_of(*dropped->second);
    std::vector<Value> inputs;
    for (Value input : clone.inputs) inputs.push_back(again(input));
    const Value fresh = to_.result().add_node(clone.name, clone.op, std::move(inputs), Phase::backward)[0];
    again_.emplace(old, fresh);
    return fresh;
  }

  static std::size_t index_of(Value value) { return static_cast<std::size_t>(value.id); }

  Rewriter to_;
  std::vector<int> sums_below_;  // by value id of the source: dropped sums in a row that computing it again needs
  std::map<Value, const Node*> dropped_;  // by output
  std::map<Value, Value> again_;
};

}  // namespace

Graph recompute(const Graph& graph) { return Recomputing(graph).write(); }

}  // namespace resnet
