// Graphs as text, one line per node, for people and for tests.
#include "base/error.hpp"
#include "graph/graph.hpp"
#include "graph/op_functions.hpp"

namespace resnet {
namespace {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::forward: return "";
    case Phase::backward: return " (backward)";
    case Phase::update: return " (update)";
  }
  return "";
}

std::string reference(const Graph& graph, Value value) {
  return graph[value].kind == ValueKind::computed ? text_of("%", value.id)
                                                  : text_of("%", value.id, " ", graph[value].name);
}

std::string line(const Graph& graph, const Node& node) {
  std::string text;
  for (Value output : node.outputs)
    text += text_of(text.empty() ? "" : ", ", "%", output.id, " ", graph[output].name, " ", graph[output].shape,
                    graph[output].dtype == DType::f32 ? "" : text_of(" ", graph[output].dtype));
  const std::string attributes = describe(node.op);
  text += text_of(" = ", name_of(node.op), attributes.empty() ? "" : " ", attributes, "(");
  for (std::size_t i = 0; i < node.inputs.size(); ++i) text += text_of(i ? ", " : "", reference(graph, node.inputs[i]));
  return text + ")" + std::string(name_of(node.phase)) + "\n";
}

}  // namespace

std::string dump(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes()) text += line(graph, node);
  for (const Update& update : graph.updates())
    text += text_of(graph[update.state].name, " <- ", reference(graph, update.next), "\n");
  for (const Output& output : graph.outputs())
    text += text_of("output ", output.name, " = ", reference(graph, output.value), "\n");
  return text;
}

}  // namespace resnet
