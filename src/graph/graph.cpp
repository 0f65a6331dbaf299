#include "graph/graph.hpp"

#include "base/error.hpp"
#include "graph/op_functions.hpp"

#include <algorithm>

namespace resnet {
namespace {

// Outputs after the first are told apart by what they are.
std::string output_name(const Node& node, std::size_t index) {
  if (index == 0) return node.name;
  if (std::holds_alternative<BatchNorm>(node.op)) return node.name + (index == 1 ? ".batch_mean" : ".batch_var");
  return node.name + "." + std::to_string(index);
}

}  // namespace

Value Graph::add_input(std::string name, Shape shape, DType dtype) {
  if (find(name)) fail("graph: input '", name, "' exists already");
  values_.push_back({.name = std::move(name), .shape = shape, .dtype = dtype, .kind = ValueKind::input});
  return {static_cast<int>(values_.size()) - 1};
}

Value Graph::add_state(ValueKind kind, std::string name, Shape shape, Init init, bool decay) {
  values_.push_back({.name = std::move(name), .shape = shape, .kind = kind, .init = init, .decay = decay});
  return {static_cast<int>(values_.size()) - 1};
}

std::vector<Value> Graph::add_node(std::string name, Op op, std::vector<Value> inputs, Phase phase) {
  std::vector<ValueType> types;
  for (Value input : inputs) {
    if (input.id < 0 || input.id >= static_cast<int>(values_.size()))
      fail("node '", name, "': ", name_of(op), ": input ", types.size(), " is not a value of this graph");
    types.push_back((*this)[input].type());
  }
  const std::vector<ValueType> outputs = with_context("node '" + name + "'", [&] { return infer(op, types); });
  Node node{std::move(name), std::move(op), std::move(inputs), {}, phase};
  for (const ValueType& type : outputs) {
    values_.push_back({.name = output_name(node, node.outputs.size()),
                       .shape = type.shape,
                       .dtype = type.dtype,
                       .producer = static_cast<int>(nodes_.size())});
    node.outputs.push_back({static_cast<int>(values_.size()) - 1});
  }
  nodes_.push_back(std::move(node));
  return nodes_.back().outputs;
}

void Graph::add_output(std::string name, Value value) {
  for (const Output& output : outputs_)
    if (output.name == name) fail("graph: output '", name, "' exists already");
  outputs_.push_back({std::move(name), value});
}

void Graph::add_update(Value state, Value next) {
  if ((*this)[state].type() != (*this)[next].type())
    fail("graph: update of '", (*this)[state].name, "' expects ", (*this)[state].shape, ", got ", (*this)[next].shape);
  updates_.push_back({state, next});
}

bool Graph::is_output(Value value) const {
  return std::ranges::any_of(outputs_, [&](const Output& output) { return output.value == value; });
}

std::optional<Value> Graph::find(std::string_view name) const {
  for (const Output& output : outputs_)
    if (output.name == name) return output.value;
  for (std::size_t id = 0; id < values_.size(); ++id)
    if (values_[id].kind != ValueKind::computed && values_[id].name == name) return Value{static_cast<int>(id)};
  return std::nullopt;
}

std::vector<int> Graph::use_counts() const {
  std::vector<int> counts(values_.size());
  for (const Node& node : nodes_)
    for (Value input : node.inputs) ++counts[static_cast<std::size_t>(input.id)];
  return counts;
}

std::vector<Value> Graph::parameters() const {
  std::vector<Value> result;
  for (std::size_t id = 0; id < values_.size(); ++id)
    if (values_[id].kind == ValueKind::parameter) result.push_back({static_cast<int>(id)});
  return result;
}

int64_t Graph::parameter_count() const {
  int64_t count = 0;
  for (Value parameter : parameters()) count += (*this)[parameter].shape.elements();
  return count;
}

}  // namespace resnet
