// Mixed precision as a pass: casts become nodes, and a value's type says how it is stored. Called before the graph is
// differentiated: gradient ops have the types of what they belong to, and the gradient of a cast is the cast back.
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"

#include <map>
#include <variant>

namespace resnet {
namespace {

template <class T, class... Kinds>
inline constexpr bool one_of = (std::is_same_v<T, Kinds> || ...);

/// Ops that take and give images in bf16 once an input is bf16; a convolution starts it.
bool keeps_low_precision(const Op& op) {
  return std::visit(
      []<class T>(const T&) {
        return one_of<T, Conv, BatchNorm, BatchNormInference, Unary, Binary, ScaleChannels, Dropout, Reshape, Concat,
                      Slice, Subsample, MaxPool, AveragePool, GlobalAveragePool>;
      },
      op);
}

/// Which inputs are images: the others are parameters and statistics, which stay f32, or keys.
std::size_t images_among(const Node& node) {
  if (std::holds_alternative<BatchNorm>(node.op) || std::holds_alternative<BatchNormInference>(node.op)) return 1;
  return node.inputs.size();
}

class Casts {
 public:
  explicit Casts(const Graph& graph) : to_(graph) {}

  Graph write() {
    for (const Node& node : to_.source().nodes()) copy(node);
    for (const Output& output : to_.source().outputs()) to_.map(output.value, as(output.value, DType::f32));
    return to_.finish();
  }

 private:
  DType type(Value old) { return to_.result()[to_[old]].dtype; }

  /// The new value for `old` in the given type.
  Value as(Value old, DType wanted) {
    if (!is_floating(type(old)) || type(old) == wanted) return to_[old];
    const auto known = casts_.find(old);
    if (known != casts_.end()) return known->second;
    const ValueInfo& value = to_.source()[old];
    const std::string name = value.name + (wanted == DType::bf16 ? ".bf16" : ".f32");
    const Value cast = to_.result().add_node(name, Cast{wanted}, {to_[old]})[0];
    casts_.emplace(old, cast);
    return cast;
  }

  void copy(const Node& node) {
    const bool conv = std::holds_alternative<Conv>(node.op);
    bool low = conv;
    for (Value input : node.inputs) low |= keeps_low_precision(node.op) && type(input) == DType::bf16;
    const DType wanted = low ? DType::bf16 : DType::f32;
    std::vector<Value> inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool image =
          conv ? i == 0 || (std::get<Conv>(node.op).add && i + 1 == node.inputs.size()) : i < images_among(node);
      inputs.push_back(image ? as(node.inputs[i], wanted) : to_[node.inputs[i]]);
    }
    const std::vector<Value> outputs = to_.result().add_node(node.name, node.op, std::move(inputs), node.phase);
    for (std::size_t i = 0; i < outputs.size(); ++i) to_.map(node.outputs[i], outputs[i]);
  }

  Rewriter to_;
  std::map<Value, Value> casts_;  // old value -> its copy in the other type
};

}  // namespace

std::string_view name_of(Precision precision) { return precision == Precision::bf16 ? "bf16" : "fp32"; }

Graph insert_casts(const Graph& graph, Precision precision) {
  return precision == Precision::fp32 ? graph : Casts(graph).write();
}

}  // namespace resnet
