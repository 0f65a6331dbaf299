// The one representation of a network and of a whole training step: values, and nodes in the order they run.
// Logical NCHW, no layouts, no pointers. Passes are functions Graph -> Graph.
#pragma once

#include "graph/op.hpp"

#include <compare>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// A handle of one value of one graph.
struct Value {
  int id = -1;
  explicit operator bool() const { return id >= 0; }
  auto operator<=>(const Value&) const = default;
};

/// What infer() needs to know of a value.
struct ValueType {
  Shape shape;
  DType dtype = DType::f32;
  bool operator==(const ValueType&) const = default;
};

/// Where a value comes from: computed by a node, handed in for each run, or held in the state between runs.
enum class ValueKind : uint8_t { computed, input, parameter, statistic, momentum };

/// How a parameter starts (He et al. 2015 "Delving deep" for the normal ones). fan = weights per output or input unit.
enum class Init : uint8_t { zeros, ones, he_normal_fan_out, he_normal_fan_in, uniform_fan_in };

struct ValueInfo {
  std::string name;
  Shape shape;
  DType dtype = DType::f32;
  ValueKind kind = ValueKind::computed;
  Init init = Init::zeros;  // of state
  bool decay = true;        // weight decay reaches this parameter
  int producer = -1;        // index of the node that computes it
  ValueType type() const { return {shape, dtype}; }
};

/// Forward computes, backward follows differentiate(), update writes state.
enum class Phase : uint8_t { forward, backward, update };

struct Node {
  std::string name;  // the path, "layer1.0.conv1"
  Op op;
  std::vector<Value> inputs, outputs;
  Phase phase = Phase::forward;
};

/// A value kept alive until the run ends and readable under a name. Passes never fuse through one.
struct Output {
  std::string name;
  Value value;
};

/// After the run `state` holds `next`; both share one buffer.
struct Update {
  Value state, next;
};

class Graph {
 public:
  Value add_input(std::string name, Shape shape, DType dtype = DType::f32);
  Value add_state(ValueKind kind, std::string name, Shape shape, Init init = Init::zeros, bool decay = true);
  /// Appends a node; its output shapes are inferred. Error: names the node, what was expected and what came.
  std::vector<Value> add_node(std::string name, Op op, std::vector<Value> inputs, Phase phase = Phase::forward);
  /// Makes `value` readable after a run.
  void add_output(std::string name, Value value);
  void add_update(Value state, Value next);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<ValueInfo>& values() const { return values_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  const std::vector<Update>& updates() const { return updates_; }
  const ValueInfo& operator[](Value value) const { return values_[static_cast<std::size_t>(value.id)]; }

  bool is_output(Value value) const;
  /// The output, input or state of that name.
  std::optional<Value> find(std::string_view name) const;
  /// Number of nodes that read each value, by value id.
  std::vector<int> use_counts() const;
  /// Parameters in order of creation.
  std::vector<Value> parameters() const;
  /// Sum of the parameters' elements.
  int64_t parameter_count() const;

 private:
  std::vector<ValueInfo> values_;
  std::vector<Node> nodes_;
  std::vector<Output> outputs_;
  std::vector<Update> updates_;
};

/// One line per node: "%5 layer1.0.conv1.y [8x16x32x32] = conv 3x3 pad 1 (%3 ..., %4 ...)".
std::string dump(const Graph& graph);

/// Checks what every pass must keep: values are defined before use, recorded shapes equal inferred ones, names of
/// outputs and state are unique, and no update overwrites a state that a later node still reads. Error: names the node.
void verify(const Graph& graph);

}  // namespace resnet
