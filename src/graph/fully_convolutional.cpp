// A classifier applied at every position of a larger image.
#include "base/error.hpp"
#include "graph/passes.hpp"

#include <algorithm>
#include <set>

namespace resnet {
namespace {

/// The nodes from the pooling (or flattening) of the last feature map to the logits.
struct Head {
  std::vector<const Node*> nodes;
  bool pools = true;                      // false: its first node flattens a map of more than one pixel
  int64_t map_height = 0, map_width = 0;  // of the feature map, at the size the graph was built for
};

bool is_pooling(const Node& node, const Graph& graph) {
  if (std::holds_alternative<GlobalAveragePool>(node.op)) return true;
  const Reduce* reduce = std::get_if<Reduce>(&node.op);
  const Shape& x = graph[node.inputs[0]].shape;
  return reduce && reduce->mean && x.rank() == 4 && reduce->shape == Shape{x.n(), x.c(), 1, 1};
}

bool is_flattening(const Node& node, const Graph& graph) {
  const Shape &x = graph[node.inputs[0]].shape, &y = graph[node.outputs[0]].shape;
  return std::holds_alternative<Reshape>(node.op) && x.rank() == 4 && x.h() * x.w() > 1 &&
         y == Shape{x.n(), x.elements() / x.n()};
}

/// Whether the op means the same at each pixel of a map as on a vector.
bool is_pointwise(const Node& node, const Graph& graph) {
  if (const Conv* conv = std::get_if<Conv>(&node.op)) return conv->window == Window{} && !conv->add;
  const Shape &x = graph[node.inputs[0]].shape, &y = graph[node.outputs[0]].shape;
  if (std::holds_alternative<Reshape>(node.op)) return x.n() == y.n() && x.c() == y.c();
  return std::holds_alternative<Linear>(node.op) || std::holds_alternative<Unary>(node.op) ||
         std::holds_alternative<BatchNormInference>(node.op);
}

Head head_of(const Graph& graph) {
  Head head;
  const std::optional<Value> logits = graph.find("logits");
  for (Value value = logits.value(); graph[value].producer >= 0;) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(graph[value].producer)];
    const bool pools = is_pooling(node, graph), flattens = is_flattening(node, graph);
    if (!pools && !flattens && !is_pointwise(node, graph))
      fail_model("'", node.name,
                 "' is not a layer that can be applied at every position of a larger image; evaluate "
                 "this network with --crops instead of --scales");
    head.nodes.push_back(&node);
    value = node.inputs[0];
    if (!pools && !flattens) continue;
    head.pools = pools;
    head.map_height = graph[value].shape.h();
    head.map_width = graph[value].shape.w();
    std::ranges::reverse(head.nodes);
    return head;
  }
  fail_model("the network has no feature map before its logits; evaluate it with --crops instead of --scales");
}

class Enlarger {
 public:
  Enlarger(const Graph& graph, Parameters parameters) : graph_(graph), parameters_(std::move(parameters)) {}

  std::pair<Graph, Parameters> run(int64_t batch, int64_t height, int64_t width) {
    const Head head = head_of(graph_);
    const std::set<const Node*> in_head(head.nodes.begin(), head.nodes.end());
    map_.resize(graph_.values().size());
    for (std::size_t id = 0; id < map_.size(); ++id) {
      const ValueInfo& value = graph_.values()[id];
      if (value.kind == ValueKind::input)
        map_[id] = to_.add_input(value.name, {batch, value.shape.c(), height, width}, value.dtype);
    }
    for (const Node& node : graph_.nodes())
      if (!in_head.contains(&node) && !std::holds_alternative<Softmax>(node.op)) add_to_trunk(node, batch);
    const Value scores = add_head(head);
    const Value mean = to_.add_node("scores", GlobalAveragePool{}, {scores})[0];
    const Value logits = to_.add_node("logits", Reshape{{batch, to_[mean].shape.c()}}, {mean})[0];
    to_.add_output("logits", logits);
    return {std::move(to_), std::move(parameters_)};
  }

 private:
  Value& at(Value old) { return map_[static_cast<std::size_t>(old.id)]; }

  /// The new value for an old one; weights are added where they are first read.
  Value mapped(Value old) {
    if (!at(old)) at(old) = to_.add_state(graph_[old].kind, graph_[old].name, parameters_.at(graph_[old].name).shape());
    return at(old);
  }

  void add_to_trunk(const Node& node, int64_t batch) {
    std::vector<Value> inputs;
    for (const Value input : node.inputs) inputs.push_back(mapped(input));
    const std::vector<Value> outputs = with_context(node.name, [&] {
      return to_.add_node(node.name, resized(node, to_[inputs[0]].shape, batch), inputs, node.phase);
    });
    for (std::size_t i = 0; i < outputs.size(); ++i) at(node.outputs[i]) = outputs[i];
  }

  /// The op for an input of another size. Those that name whole shapes are known for vectors only.
  Op resized(const Node& node, const Shape& x, int64_t batch) const {
    if (const Reshape* reshape = std::get_if<Reshape>(&node.op))
      if (x.rank() == 4 && x.h() * x.w() == 1 && reshape->shape.rank() == 2) return Reshape{{batch, x.c()}};
    const Shape& before = graph_[node.inputs[0]].shape;
    const bool names_shapes = std::holds_alternative<Reshape>(node.op) || std::holds_alternative<Broadcast>(node.op) ||
                              std::holds_alternative<Reduce>(node.op) ||
                              std::holds_alternative<StridedSlice>(node.op) || std::holds_alternative<Pad>(node.op) ||
                              std::holds_alternative<Fill>(node.op);
    if (names_shapes && x != before) fail_model("depends on the size of the image; use --crops instead of --scales");
    return node.op;
  }

  Value add_head(const Head& head) {
    const Node& first = *head.nodes.front();
    Value x = mapped(first.inputs[0]);
    const Shape& map = to_[x].shape;
    const auto window_h = static_cast<int>(std::min(head.map_height, map.h())),
               window_w = static_cast<int>(std::min(head.map_width, map.w()));
    Window window{.kernel_h = window_h, .kernel_w = window_w};
    if (head.pools) {
      x = to_.add_node(first.name, AveragePool{.window = window}, {x})[0];
      window = {};
    } else if (map.h() < head.map_height || map.w() < head.map_width) {
      fail_model("this network cannot see images smaller than those it was made for; use larger --scales");
    }
    for (std::size_t i = 1; i < head.nodes.size(); ++i) {
      const Node& node = *head.nodes[i];
      if (std::holds_alternative<Reshape>(node.op)) continue;  // pixels stay where they are
      const Linear* linear = std::get_if<Linear>(&node.op);
      std::vector<Value> inputs{x};
      for (std::size_t k = 1; k < node.inputs.size(); ++k) {
        if (linear && k == 1) as_kernel(graph_[node.inputs[1]].name, to_[x].shape.c(), window);
        inputs.push_back(mapped(node.inputs[k]));
      }
      const Op op = linear ? Op(Conv{.window = window, .bias = linear->bias}) : node.op;
      if (linear) window = {};
      x = to_.add_node(node.name, op, inputs)[0];
    }
    return x;
  }

  /// The weight [K, C kh kw] of a linear layer as the kernels [K, C, kh, kw] of a convolution: the same numbers.
  void as_kernel(const std::string& name, int64_t channels, const Window& window) {
    const Tensor& weight = parameters_.at(name);
    Tensor kernel({weight.shape()[0], channels, window.kernel_h, window.kernel_w}, weight.dtype());
    std::ranges::copy(weight.bytes(), kernel.bytes().begin());
    parameters_.insert_or_assign(name, std::move(kernel));
  }

  const Graph& graph_;
  Parameters parameters_;
  Graph to_;
  std::vector<Value> map_;
};

}  // namespace

std::pair<Graph, Parameters> fully_convolutional(const Graph& graph, const Parameters& parameters, int64_t batch,
                                                 int64_t height, int64_t width) {
  return Enlarger(graph, parameters).run(batch, height, width);
}

}  // namespace resnet
