// Reverse-mode differentiation: gradients become nodes of the same graph.
#pragma once

#include "graph/graph.hpp"

#include <map>
#include <string>
#include <vector>

namespace resnet {

/// The gradient arriving at a value: the derivative of a scalar by it is taken to be `gradient`.
struct GradientSeed {
  Value value;
  Value gradient;  // same shape; invalid means ones
};

/// Appends to `graph` the backward nodes of everything that leads from `wanted` to the seeded values; returns the
/// gradient of each wanted value that the seeds depend on. Fan-out is summed in one place, here.
/// Error: a path goes through an op that has no gradient; names the node.
std::map<Value, Value> differentiate(Graph& graph, const std::vector<GradientSeed>& seeds,
                                     const std::vector<Value>& wanted);

/// What an op's backward() sees: the gradients of its outputs, and where to send those of its inputs.
class Gradients {
 public:
  Gradients(Graph& graph, const std::vector<Value>& wanted);

  /// Whether a gradient of this value is of use to anyone.
  bool wants(Value value) const { return needed_[static_cast<std::size_t>(value.id)]; }
  /// The summed gradient of `value`, or an invalid Value if none arrived.
  Value of(Value value) const;
  /// Adds `gradient` to what flows into `value`; ignored if nobody wants it.
  void flow(Value value, Value gradient);
  /// Appends a backward node "NODE.suffix".
  std::vector<Value> emit(const Node& node, const std::string& suffix, Op op, std::vector<Value> inputs);
  const Graph& graph() const { return graph_; }

 private:
  void mark_needed(const Node& node);
  friend std::map<Value, Value> differentiate(Graph&, const std::vector<GradientSeed>&, const std::vector<Value>&);

  Graph& graph_;
  std::vector<char> needed_;          // by value id, for the values present at the start
  std::map<Value, Value> gradients_;  // value -> its gradient so far
};

/// For ops that have no gradient (gradients themselves, updates): throws, naming the node.
[[noreturn]] void no_gradient(const Node& node);

}  // namespace resnet
