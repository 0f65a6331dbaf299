#include "graph/op_functions.hpp"

#include "base/error.hpp"
#include "base/random.hpp"
#include "graph/differentiate.hpp"

namespace resnet {
namespace {

template <class... Ops>
constexpr bool all_complete(const std::variant<Ops...>*) {
  return (CompleteOp<Ops> && ...);
}
static_assert(all_complete(static_cast<const Op*>(nullptr)),
              "an op lacks one of: name_of, describe, infer, cost, backward");

}  // namespace

std::string_view name_of(const Op& op) {
  return std::visit([](const auto& o) { return name_of(o); }, op);
}

std::string describe(const Op& op) {
  return std::visit([](const auto& o) { return describe(o); }, op);
}

std::vector<ValueType> infer(const Op& op, Types inputs) {
  return std::visit([&](const auto& o) { return infer(o, inputs); }, op);
}

Cost cost(const Graph& graph, const Node& node) {
  std::vector<ValueType> inputs, outputs;
  for (const Value value : node.inputs) inputs.push_back(graph[value].type());
  for (const Value value : node.outputs) outputs.push_back(graph[value].type());
  return std::visit([&](const auto& o) { return cost(o, inputs, outputs); }, node.op);
}

void no_gradient(const Node& node) {
  fail("node '", node.name, "': ", name_of(node.op),
       " has no gradient; put a stop_gradient before it or do not ask for gradients through it");
}

}  // namespace resnet
