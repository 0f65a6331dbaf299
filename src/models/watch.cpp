#include "models/watch.hpp"

#include "graph/rewrite.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace resnet {
namespace {

/// Who computes and who reads the values of a graph.
class Links {
 public:
  explicit Links(const Graph& graph) : graph_(graph), readers_(graph.values().size()) {
    for (const Node& node : graph.nodes())
      for (const Value input : node.inputs) readers_[static_cast<std::size_t>(input.id)].push_back(&node);
  }

  const Node* producer(Value value) const {
    const int index = graph_[value].producer;
    return index < 0 ? nullptr : &graph_.nodes()[static_cast<std::size_t>(index)];
  }
  /// The node that reads the value, if there is exactly one.
  const Node* only_reader(Value value) const {
    const std::vector<const Node*>& readers = readers_[static_cast<std::size_t>(value.id)];
    return readers.size() == 1 ? readers.front() : nullptr;
  }
  /// Nodes from `value` back to an input of the graph, along what each takes as its data.
  std::vector<const Node*> chain(Value value) const {
    std::vector<const Node*> nodes;
    for (const Node* node = producer(value); node; node = node->inputs.empty() ? nullptr : producer(node->inputs[0]))
      nodes.push_back(node);
    return nodes;
  }

 private:
  const Graph& graph_;
  std::vector<std::vector<const Node*>> readers_;
};

bool is_layer(const Node& node) {
  return std::holds_alternative<Conv>(node.op) || std::holds_alternative<Linear>(node.op);
}

bool is_relu(const Node& node) {
  const auto* unary = std::get_if<Unary>(&node.op);
  return unary && unary->kind == UnaryKind::relu;
}

bool is_addition(const Node& node) {
  const auto* binary = std::get_if<Binary>(&node.op);
  return binary && binary->kind == BinaryKind::add;
}

/// Behind the batch norm and ReLU that follow directly.
Value behind_activation(const Links& links, Value value) {
  for (const Node* next = links.only_reader(value); next; next = links.only_reader(value)) {
    const bool norm =
        std::holds_alternative<BatchNorm>(next->op) || std::holds_alternative<BatchNormInference>(next->op);
    if (!norm && !is_relu(*next)) break;
    value = next->outputs[0];
  }
  return value;
}

/// A block of the graph as it was given.
struct FoundBlock {
  const Node* join = nullptr;
  Value input;
  std::vector<const Node*> branch, shortcut;  // from the join back to the input, both without it
};

/// The nodes of `chain` up to the one that reads `input`.
std::vector<const Node*> until(const std::vector<const Node*>& chain, Value input) {
  const auto reads = [&](const Node* node) { return !node->inputs.empty() && node->inputs[0] == input; };
  const auto last = std::ranges::find_if(chain, reads);
  return {chain.begin(), last == chain.end() ? last : last + 1};
}

std::optional<FoundBlock> block_of(const Links& links, const Node& join) {
  if (!is_addition(join)) return std::nullopt;
  const std::vector<const Node*> branch = links.chain(join.inputs[0]), shortcut = links.chain(join.inputs[1]);
  std::set<Value> on_branch;
  for (const Node* node : branch)
    if (!node->inputs.empty()) on_branch.insert(node->inputs[0]);
  Value candidate = join.inputs[1];
  for (std::size_t step = 0; !on_branch.contains(candidate); ++step) {
    if (step == shortcut.size() || shortcut[step]->inputs.empty()) return std::nullopt;
    candidate = shortcut[step]->inputs[0];
  }
  FoundBlock block{.join = &join, .input = candidate, .branch = until(branch, candidate), .shortcut = {}};
  if (!(join.inputs[1] == candidate)) block.shortcut = until(shortcut, candidate);
  return block;
}

std::string scope_of(const std::string& name) { return name.substr(0, name.rfind('.')); }

/// "blocks.0" for a branch whose first layer is "blocks.0.linear1".
std::string name_of(const FoundBlock& block) {
  for (auto node = block.branch.rbegin(); node != block.branch.rend(); ++node)
    if (is_layer(**node)) return scope_of((*node)->name);
  return block.join->name;
}

/// The convolution behind the sigmoid that a product is taken with: a gate of a branch or a shortcut.
const Node* gate_convolution(const Links& links, const Node& product) {
  const auto* binary = std::get_if<Binary>(&product.op);
  if (!binary || binary->kind != BinaryKind::multiply) return nullptr;
  const Node* node = links.producer(product.inputs[1]);
  bool sigmoid = false;
  for (; node && std::holds_alternative<Unary>(node->op); node = links.producer(node->inputs[0]))
    sigmoid |= std::get<Unary>(node->op).kind == UnaryKind::sigmoid;
  return sigmoid && node && std::holds_alternative<Conv>(node->op) ? node : nullptr;
}

/// The nodes that compute the factors of squeeze-and-excitation from what they scale.
std::set<std::string> gates_of(const Graph& graph, const Links& links) {
  std::set<std::string> gates;
  for (const Node& node : graph.nodes())
    if (std::holds_alternative<ScaleChannels>(node.op))
      for (const Node* gate : until(links.chain(node.inputs[1]), node.inputs[0])) gates.insert(gate->name);
  for (const Node& node : graph.nodes())
    if (const Node* gate = gate_convolution(links, node)) gates.insert(gate->name);
  return gates;
}

/// Writes the graph again with the copies of each block's input.
class Splitter {
 public:
  Splitter(const Graph& forward, const std::vector<FoundBlock>& blocks) : rewriter_(forward) {
    for (const FoundBlock& block : blocks) {
      reads_[block.branch.back()].push_back({&block, true});
      reads_[block.shortcut.empty() ? block.join : block.shortcut.back()].push_back({&block, false});
    }
    for (const Node& node : forward.nodes()) write(node);
  }

  Value operator[](Value old) const { return rewriter_[old]; }
  Value copy(const FoundBlock& block, bool branch) const { return copies_.at({&block, branch}); }
  Graph finish() { return rewriter_.finish(); }

 private:
  using Side = std::pair<const FoundBlock*, bool>;  // true: the branch

  void write(const Node& node) {
    std::vector<std::pair<Value, Value>> replaced;
    for (const auto& [block, branch] : reads_[&node]) {
      const Value x = rewriter_[block->input];
      const std::string name = name_of(*block) + (branch ? ".branch" : ".shortcut");
      const Unary identity{.kind = UnaryKind::affine, .a = 1, .b = 0};
      const Value copied = rewriter_.result().add_node(name, identity, {x})[0];
      copies_[{block, branch}] = copied;
      replaced.emplace_back(block->input, x);
      rewriter_.map(block->input, copied);
    }
    rewriter_.copy(node);
    for (const auto& [old, fresh] : replaced) rewriter_.map(old, fresh);
  }

  Rewriter rewriter_;
  std::map<const Node*, std::vector<Side>> reads_;
  std::map<Side, Value> copies_;
};

/// Each value that a concatenation continues (its first input, which the layer read too), and what it makes of it.
std::vector<Value> joined_values(const Links& links, const Graph& graph) {
  std::vector<Value> values;
  for (const Node& node : graph.nodes()) {
    if (!std::holds_alternative<Concat>(node.op) || links.only_reader(node.inputs[0])) continue;
    if (values.empty() || !(values.back() == node.inputs[0])) values.push_back(node.inputs[0]);
    values.push_back(node.outputs[0]);
  }
  return values;
}

WatchedLayer layer_of(const Links& links, const Node& node) {
  const bool bias = node.inputs.size() > 2;
  return {.name = node.name,
          .input = node.inputs[0],
          .weight = node.inputs[1],
          .bias = bias ? node.inputs[2] : Value{},
          .output = behind_activation(links, node.outputs[0])};
}

}  // namespace

WatchedGraph watch(const Graph& forward) {
  const Links links(forward);
  std::vector<FoundBlock> found;
  for (const Node& node : forward.nodes())
    if (std::optional<FoundBlock> block = block_of(links, node)) found.push_back(std::move(*block));
  std::set<std::string> aside = gates_of(forward, links);
  for (const FoundBlock& block : found)
    for (const Node* node : block.shortcut) aside.insert(node->name);

  Splitter split(forward, found);
  WatchedGraph watched;
  for (const FoundBlock& block : found) {
    const Value sum = split[block.join->outputs[0]];
    const Node* next = links.only_reader(block.join->outputs[0]);
    watched.blocks.push_back({.name = name_of(block),
                              .input = split[block.input],
                              .branch_input = split.copy(block, true),
                              .shortcut_input = split.copy(block, false),
                              .branch = split[block.join->inputs[0]],
                              .shortcut = {},
                              .sum = sum,
                              .output = next && is_relu(*next) ? split[next->outputs[0]] : sum,
                              .layers = {},
                              .identity = block.shortcut.empty()});
    watched.blocks.back().shortcut =
        block.shortcut.empty() ? watched.blocks.back().shortcut_input : split[block.join->inputs[1]];
  }
  watched.graph = split.finish();
  const Links new_links(watched.graph);
  std::map<std::string, std::size_t> index_of;
  for (const Node& node : watched.graph.nodes())
    if (is_layer(node) && !aside.contains(node.name)) {
      index_of[node.name] = watched.layers.size();
      watched.layers.push_back(layer_of(new_links, node));
    }
  watched.joined = joined_values(new_links, watched.graph);
  for (std::size_t block = 0; block < found.size(); ++block)
    for (auto node = found[block].branch.rbegin(); node != found[block].branch.rend(); ++node)
      if (is_layer(**node)) watched.blocks[block].layers.push_back(index_of.at((*node)->name));
  return watched;
}

}  // namespace resnet
