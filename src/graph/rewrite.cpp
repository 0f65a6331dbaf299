#include "graph/rewrite.hpp"

#include <cassert>

namespace resnet {

Rewriter::Rewriter(const Graph& source, UnusedState unused) : source_(source), map_(source.values().size()) {
  const std::vector<int> uses = source.use_counts();
  for (std::size_t id = 0; id < source.values().size(); ++id) {
    const ValueInfo& value = source.values()[id];
    if (value.kind == ValueKind::input) map_[id] = result_.add_input(value.name, value.shape, value.dtype);
    const bool is_state = value.kind != ValueKind::input && value.kind != ValueKind::computed;
    if (is_state && (unused == UnusedState::keep || uses[id] > 0))
      map_[id] = result_.add_state(value.kind, value.name, value.shape, value.init, value.decay);
  }
}

Value Rewriter::operator[](Value old) const {
  assert(has(old));
  return map_[static_cast<std::size_t>(old.id)];
}

std::vector<Value> Rewriter::mapped(const std::vector<Value>& old) const {
  std::vector<Value> fresh;
  for (Value value : old) fresh.push_back((*this)[value]);
  return fresh;
}

void Rewriter::copy(const Node& node) {
  const std::vector<Value> outputs = result_.add_node(node.name, node.op, mapped(node.inputs), node.phase);
  for (std::size_t i = 0; i < outputs.size(); ++i) map(node.outputs[i], outputs[i]);
}

Graph Rewriter::finish() {
  for (const Output& output : source_.outputs()) result_.add_output(output.name, (*this)[output.value]);
  for (const Update& update : source_.updates())
    if (has(update.next)) result_.add_update((*this)[update.state], (*this)[update.next]);
  return std::move(result_);
}

}  // namespace resnet
