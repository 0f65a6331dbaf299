// Inference batch norm folded into the convolution before it.
#include "base/error.hpp"
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <cmath>
#include <utility>

namespace resnet {
namespace {

Tensor& parameter(Parameters& parameters, const Graph& graph, Value value) {
  const auto found = parameters.find(graph[value].name);
  if (found == parameters.end()) fail("fold_batch_norm: there is no weight '", graph[value].name, "'");
  return found->second;
}

// w' = w s, b' = beta + (b - mean) s with s = gamma / sqrt(var + epsilon), per output channel; computed in double.
template <class T>
void scale_weights(Tensor& weight, Tensor& bias, const Tensor* old_bias, const Tensor& gamma, const Tensor& beta,
                   const Tensor& mean, const Tensor& var, float epsilon) {
  const std::size_t channels = bias.data<T>().size();
  const std::size_t per_channel = weight.data<T>().size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale = static_cast<double>(gamma.data<T>()[c]) /
                         std::sqrt(static_cast<double>(var.data<T>()[c]) + static_cast<double>(epsilon));
    for (T& w : weight.data<T>().subspan(c * per_channel, per_channel))
      w = static_cast<T>(static_cast<double>(w) * scale);
    const double b = old_bias ? static_cast<double>(old_bias->data<T>()[c]) : 0;
    bias.data<T>()[c] =
        static_cast<T>(static_cast<double>(beta.data<T>()[c]) + (b - static_cast<double>(mean.data<T>()[c])) * scale);
  }
}

// The convolution whose only reader is this batch norm, if there is one that can take it in.
const Node* foldable(const Graph& graph, const Node& norm, const std::vector<int>& uses) {
  const Value x = norm.inputs[0];
  if (graph[x].producer < 0 || uses[static_cast<std::size_t>(x.id)] != 1 || graph.is_output(x)) return nullptr;
  const Node& producer = graph.nodes()[static_cast<std::size_t>(graph[x].producer)];
  const Conv* conv = std::get_if<Conv>(&producer.op);
  if (!conv || conv->relu || conv->add) return nullptr;
  if (uses[static_cast<std::size_t>(producer.inputs[1].id)] != 1) return nullptr;  // a shared weight stays as it is
  return &producer;
}

class Folder {
 public:
  Folder(const Graph& graph, Parameters parameters) : graph_(graph), parameters_(std::move(parameters)), to_(graph) {}

  std::pair<Graph, Parameters> run() {
    const std::vector<int> uses = graph_.use_counts();
    std::map<const Node*, const Node*> norm_of;
    for (const Node& node : graph_.nodes())
      if (std::holds_alternative<BatchNormInference>(node.op))
        if (const Node* conv = foldable(graph_, node, uses)) norm_of.emplace(conv, &node);
    std::map<const Node*, bool> folded;
    for (const auto& [conv, norm] : norm_of) folded[norm] = true;
    for (const Node& node : graph_.nodes()) {
      if (const auto norm = norm_of.find(&node); norm != norm_of.end())
        fold(node, *norm->second);
      else if (!folded.contains(&node))
        to_.copy(node);
    }
    Graph result = drop_unused_state(to_.finish());
    keep_only_used(result);
    return {std::move(result), std::move(out_)};
  }

 private:
  void fold(const Node& conv, const Node& norm) {
    Conv op = std::get<Conv>(conv.op);
    const BatchNormInference& batch_norm = std::get<BatchNormInference>(norm.op);
    const auto at = [&](Value value) -> Tensor& { return parameter(parameters_, graph_, value); };
    Tensor weight = std::move(at(conv.inputs[1]));  // nobody else reads it
    Tensor bias(Shape{weight.shape()[0]}, weight.dtype());
    const Tensor* old_bias = op.bias ? &at(conv.inputs[2]) : nullptr;
    const Tensor &gamma = at(norm.inputs[1]), &beta = at(norm.inputs[2]), &mean = at(norm.inputs[3]),
                 &var = at(norm.inputs[4]);
    if (weight.dtype() == DType::f64)
      scale_weights<double>(weight, bias, old_bias, gamma, beta, mean, var, batch_norm.epsilon);
    else
      scale_weights<float>(weight, bias, old_bias, gamma, beta, mean, var, batch_norm.epsilon);

    const std::string bias_name = op.bias ? graph_[conv.inputs[2]].name : conv.name + ".folded_bias";
    const Value new_bias =
        op.bias ? to_[conv.inputs[2]] : to_.result().add_state(ValueKind::parameter, bias_name, bias.shape());
    out_.insert_or_assign(graph_[conv.inputs[1]].name, std::move(weight));
    out_.insert_or_assign(bias_name, std::move(bias));
    op.bias = true;
    op.relu = batch_norm.relu;
    to_.map(norm.outputs[0],
            to_.result().add_node(conv.name, op, {to_[conv.inputs[0]], to_[conv.inputs[1]], new_bias}, conv.phase)[0]);
  }

  // State that only folded batch norms read is gone from the new graph.
  static Graph drop_unused_state(const Graph& graph) {
    Rewriter to(graph, Rewriter::UnusedState::drop);
    for (const Node& node : graph.nodes()) to.copy(node);
    return to.finish();
  }

  void keep_only_used(const Graph& result) {
    for (const ValueInfo& value : result.values())
      if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic)
        if (!out_.contains(value.name))
          if (auto found = parameters_.extract(value.name)) out_.insert(std::move(found));
  }

  const Graph& graph_;
  Parameters parameters_;
  Rewriter to_;
  Parameters out_;
};

}  // namespace

std::pair<Graph, Parameters> fold_batch_norm(const Graph& graph, Parameters parameters) {
  return Folder(graph, std::move(parameters)).run();
}

}  // namespace resnet
