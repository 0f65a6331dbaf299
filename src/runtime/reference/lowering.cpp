#include "runtime/reference/lowering.hpp"

#include "graph/op_functions.hpp"

#include <algorithm>
#include <variant>

namespace resnet {

void lower_reference(const Graph& graph, Program& program) { reference::Lowering(graph, program).lower_all(); }

namespace reference {

Lowering::Lowering(const Graph& graph, Program& program)
    : graph_(graph), program_(program), buffers_(graph.values().size()), updated_by_(graph.values().size()) {
  for (const Update& update : graph.updates()) updated_by_[static_cast<std::size_t>(update.next.id)] = update.state;
}

void Lowering::lower_all() {
  // Every input is asked for, so that set_input() knows the ones nobody reads too.
  for (std::size_t id = 0; id < graph_.values().size(); ++id)
    if (graph_.values()[id].kind == ValueKind::input) buffer(Value{static_cast<int>(id)});
  for (const Node& node : graph_.nodes()) std::visit([&](const auto& op) { lower(op, node, *this); }, node.op);
  for (const Output& output : graph_.outputs()) {
    const ValueInfo& value = graph_[output.value];
    program_.output(output.name, buffer(output.value),
                    {value.shape, is_floating(value.dtype) ? DType::f32 : value.dtype});
  }
}

void Lowering::share(const Node& node) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const bool of_state = graph_[x].kind != ValueKind::computed && graph_[x].kind != ValueKind::input;
  if (of_state || updated_by_[static_cast<std::size_t>(y.id)]) {
    step(node, [count = graph_[x].shape.elements()]<class T>(const Arguments<T>& at) {
      std::copy_n(at.in(0), count, at.out(0));
    });
  } else {
    buffers_[static_cast<std::size_t>(y.id)] = buffer(x);
  }
}

StepInfo Lowering::info(const Node& node) const {
  std::vector<ValueType> inputs, outputs;
  for (Value value : node.inputs) inputs.push_back(graph_[value].type());
  for (Value value : node.outputs) outputs.push_back(graph_[value].type());
  const int64_t macs = std::visit([&](const auto& op) { return cost(op, inputs, outputs).macs; }, node.op);
  return {.node = node.name, .implementation = "reference", .macs = macs};
}

std::vector<int64_t> Lowering::low_precision_counts(const Node& node) const {
  std::vector<int64_t> counts;
  for (Value y : node.outputs) counts.push_back(dtype(y) == DType::bf16 ? shape(y).elements() : 0);
  return counts;
}

std::vector<Buffer> Lowering::buffers(const std::vector<Value>& values) {
  std::vector<Buffer> result;
  for (Value value : values) result.push_back(buffer(value));
  return result;
}

Buffer Lowering::buffer(Value value) {
  Buffer& buffer = buffers_[static_cast<std::size_t>(value.id)];
  if (buffer) return buffer;
  const ValueInfo& info = graph_[value];
  const Value state = updated_by_[static_cast<std::size_t>(value.id)];
  if (info.kind == ValueKind::input) {
    buffer = program_.input(info.name, info.type());
  } else if (info.kind != ValueKind::computed) {
    buffer = program_.state(info.name);
  } else if (state) {
    buffer = program_.state(graph_[state].name);
  } else {
    const DType type = stored(info.dtype);
    buffer = program_.planned(info.name, static_cast<std::size_t>(info.shape.elements()) * size_of(type), type);
  }
  return buffer;
}

}  // namespace reference
}  // namespace resnet
