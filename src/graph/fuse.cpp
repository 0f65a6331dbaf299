// Fusion before differentiation: a fused op owns its gradient, so forward and backward cannot drift apart.
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <algorithm>
#include <set>

namespace resnet {
namespace {

// What a pass needs to know before it joins a value's producer with its reader.
class Uses {
 public:
  explicit Uses(const Graph& graph) : graph_(graph), counts_(graph.use_counts()), kept_(graph.values().size()) {
    for (const Output& output : graph.outputs()) kept_[static_cast<std::size_t>(output.value.id)] = true;
    for (const Update& update : graph.updates()) kept_[static_cast<std::size_t>(update.next.id)] = true;
  }

  // The node that computes `value`, if this reader is its only user and nobody observes it.
  const Node* only_producer(Value value) const {
    const auto id = static_cast<std::size_t>(value.id);
    if (counts_[id] != 1 || kept_[id] || graph_[value].producer < 0) return nullptr;
    return &graph_.nodes()[static_cast<std::size_t>(graph_[value].producer)];
  }

 private:
  const Graph& graph_;
  std::vector<int> counts_;
  std::vector<char> kept_;
};

bool is_relu(const Node& node) {
  const Unary* unary = std::get_if<Unary>(&node.op);
  return unary && unary->kind == UnaryKind::relu;
}

// The op with its ReLU flag set, if it has one that is free.
std::optional<Op> with_relu(Op op, bool fuse_conv) {
  const auto set = [&](auto& fused) -> std::optional<Op> {
    if (fused.relu) return std::nullopt;
    fused.relu = true;
    return op;
  };
  if (auto* norm = std::get_if<BatchNorm>(&op)) return set(*norm);
  if (auto* norm = std::get_if<BatchNormInference>(&op)) return set(*norm);
  if (auto* binary = std::get_if<Binary>(&op)) return set(*binary);
  if (auto* conv = std::get_if<Conv>(&op); conv && fuse_conv) return set(*conv);
  return std::nullopt;
}

class Fuser {
 public:
  explicit Fuser(const Graph& graph) : graph_(graph), uses_(graph) {
    // In training a convolution's output is read by its batch norm; an inference graph has room for the whole block.
    inference_ =
        std::ranges::none_of(graph.nodes(), [](const Node& n) { return n.phase != Phase::forward; }) &&
        std::ranges::none_of(graph.nodes(), [](const Node& n) { return std::holds_alternative<BatchNorm>(n.op); });
  }

  // One sweep; `changed` tells whether another may find more.
  Graph sweep(bool& changed) {
    std::set<int> dropped;
    std::map<int, Node> fused;
    for (std::size_t index = 0; index < graph_.nodes().size(); ++index)
      try_fuse(static_cast<int>(index), dropped, fused);
    changed = !fused.empty();
    Rewriter to(graph_);
    for (std::size_t index = 0; index < graph_.nodes().size(); ++index) {
      const int at = static_cast<int>(index);
      if (dropped.contains(at)) continue;
      to.copy(fused.contains(at) ? fused.at(at) : graph_.nodes()[index]);
    }
    return to.finish();
  }

 private:
  void try_fuse(int reader_index, std::set<int>& dropped, std::map<int, Node>& fused) {
    const Node& reader = graph_.nodes()[static_cast<std::size_t>(reader_index)];
    if (is_relu(reader)) {
      const Node* producer = uses_.only_producer(reader.inputs[0]);
      if (producer) join_relu(*producer, reader, reader_index, dropped, fused);
    } else if (const Binary* sum = std::get_if<Binary>(&reader.op);
               inference_ && sum && sum->kind == BinaryKind::add && !sum->relu) {
      join_residual(reader, reader_index, dropped, fused);
    }
  }

  void join_relu(const Node& producer, const Node& relu, int index, std::set<int>& dropped,
                 std::map<int, Node>& fused) {
    const int producer_index = graph_[producer.outputs[0]].producer;
    if (producer.outputs[0] != relu.inputs[0] || fused.contains(producer_index) || dropped.contains(producer_index))
      return;
    const std::optional<Op> op = with_relu(producer.op, inference_);
    if (!op) return;
    if (producer.outputs.size() > 1) {  // its statistics are read before the ReLU: it stays where it was
      Node joined = producer;
      joined.op = *op;
      joined.outputs[0] = relu.outputs[0];
      fused.emplace(producer_index, std::move(joined));
      dropped.insert(index);
    } else {
      fused.emplace(index, Node{producer.name, *op, producer.inputs, relu.outputs, relu.phase});
      dropped.insert(producer_index);
    }
  }

  void join_residual(const Node& sum, int index, std::set<int>& dropped, std::map<int, Node>& fused) {
    for (std::size_t branch : {0U, 1U}) {
      const Node* producer = uses_.only_producer(sum.inputs[branch]);
      const Conv* conv = producer ? std::get_if<Conv>(&producer->op) : nullptr;
      const int producer_index = conv ? graph_[producer->outputs[0]].producer : -1;
      if (!conv || conv->relu || conv->add || fused.contains(producer_index) || dropped.contains(producer_index))
        continue;
      Conv joined = *conv;
      joined.add = true;
      std::vector<Value> inputs = producer->inputs;
      inputs.push_back(sum.inputs[1 - branch]);
      fused.emplace(index, Node{producer->name, joined, std::move(inputs), sum.outputs, sum.phase});
      dropped.insert(producer_index);
      return;
    }
  }

  const Graph& graph_;
  Uses uses_;
  bool inference_ = false;
};

}  // namespace

Graph fuse(const Graph& graph) {
  Graph result = graph;
  for (bool changed = true; changed;) result = Fuser(result).sweep(changed);
  return result;
}

}  // namespace resnet
