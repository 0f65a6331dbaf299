#include "base/error.hpp"
#include "graph/graph.hpp"
#include "graph/op_functions.hpp"

#include <map>
#include <set>
#include <string>

namespace resnet {
namespace {

void verify_nodes(const Graph& graph) {
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    const Node& node = graph.nodes()[index];
    std::vector<ValueType> inputs, outputs;
    for (Value input : node.inputs) {
      if (graph[input].producer >= static_cast<int>(index))
        fail("node '", node.name, "' reads '", graph[input].name, "' before it is computed");
      inputs.push_back(graph[input].type());
    }
    for (Value output : node.outputs) outputs.push_back(graph[output].type());
    if (infer(node.op, inputs) != outputs) fail("node '", node.name, "': recorded shapes differ from inferred ones");
  }
}

void verify_names(const Graph& graph) {
  std::set<std::string> names;
  for (const ValueInfo& value : graph.values())
    if (value.kind != ValueKind::computed && !names.insert(value.name).second)
      fail("graph: two inputs or state values are named '", value.name, "'");
}

// An update shares the state's buffer, so nothing may read the old contents after it is written.
void verify_updates(const Graph& graph) {
  std::map<Value, int> written_by;
  for (const Update& update : graph.updates()) {
    if (graph[update.state].kind == ValueKind::computed || graph[update.state].kind == ValueKind::input)
      fail("graph: '", graph[update.state].name, "' is updated but is not state");
    if (!written_by.emplace(update.state, graph[update.next].producer).second)
      fail("graph: '", graph[update.state].name, "' is updated twice");
  }
  for (std::size_t index = 0; index < graph.nodes().size(); ++index)
    for (Value input : graph.nodes()[index].inputs)
      if (const auto write = written_by.find(input);
          write != written_by.end() && static_cast<int>(index) > write->second)
        fail("node '", graph.nodes()[index].name, "' reads '", graph[input].name, "' after its update overwrote it");
}

}  // namespace

void verify(const Graph& graph) {
  verify_nodes(graph);
  verify_names(graph);
  verify_updates(graph);
}

}  // namespace resnet
