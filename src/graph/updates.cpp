// The optimizer as nodes of the same graph.
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <algorithm>

namespace resnet {
namespace {

// For each value the last node that reads or computes it.
std::vector<int> last_touches(const Graph& graph) {
  std::vector<int> last(graph.values().size(), -1);
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    for (Value value : graph.nodes()[index].inputs) last[static_cast<std::size_t>(value.id)] = static_cast<int>(index);
    for (Value value : graph.nodes()[index].outputs) last[static_cast<std::size_t>(value.id)] = static_cast<int>(index);
  }
  return last;
}

}  // namespace

Graph add_updates(const Graph& graph, const std::map<Value, Value>& gradients, const SgdOptions& options) {
  // An update follows the last reader of its parameter and the node that completes its gradient at once, which frees
  // the gradient early instead of keeping all of them to the end.
  const std::vector<int> last = last_touches(graph);
  std::multimap<int, std::pair<Value, Value>> due;  // node index -> (parameter, gradient)
  for (const auto& [parameter, gradient] : gradients) {
    const int at = std::max(last[static_cast<std::size_t>(parameter.id)], graph[gradient].producer);
    due.emplace(at, std::pair{parameter, gradient});
  }

  Rewriter to(graph);
  const Value rate = to.result().add_input("learning_rate", {1});
  std::vector<Update> updates;
  for (std::size_t index = 0; index < graph.nodes().size(); ++index) {
    to.copy(graph.nodes()[index]);
    const auto [begin, end] = due.equal_range(static_cast<int>(index));
    for (auto entry = begin; entry != end; ++entry) {
      const auto [parameter, gradient] = entry->second;
      const ValueInfo& info = graph[parameter];
      const Value w = to[parameter];
      const Value v = to.result().add_state(ValueKind::momentum, "optimizer/" + info.name, info.shape);
      const bool decays = info.decay && (options.decay_vectors || info.shape.rank() > 1);
      const auto scale = options.rate_scale.find(info.name);
      const Sgd op{.momentum = options.momentum,
                   .weight_decay = decays ? options.weight_decay : 0,
                   .rate_scale = scale != options.rate_scale.end() ? scale->second : 1,
                   .nesterov = options.nesterov};
      const std::vector<Value> next =
          to.result().add_node(info.name + ".sgd", op, {w, to[gradient], v, rate}, Phase::update);
      updates.push_back({w, next[0]});
      updates.push_back({v, next[1]});
    }
  }
  Graph result = to.finish();
  for (const Update& update : updates) result.add_update(update.state, update.next);
  return result;
}

}  // namespace resnet
