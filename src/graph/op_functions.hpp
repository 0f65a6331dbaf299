// What every op must define, as overloads on its type: a name, its attributes as text, shapes, cost and gradient.
// The CompleteOp concept makes a forgotten one a readable compile error.
#pragma once

#include "graph/graph.hpp"

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// Multiply-adds of one node (1 MAC = 2 FLOP); only convolutions and linear layers count, as in the papers.
struct Cost {
  int64_t macs = 0;
};

using Types = std::span<const ValueType>;

class Gradients;

// Each family's file graph/ops/NAME.cpp defines these for its ops.
//   name_of     "conv"
//   describe    attributes for dumps, "3x3 /2 pad 1"
//   infer       output types from input types; Error on a mismatch
//   cost        from input and output types
//   backward    chain rule: g.flow(input, gradient) for each input that wants one; ops without one call no_gradient
#define RESNET_DECLARE_OP(OpType)                            \
  std::string_view name_of(const OpType&);                   \
  std::string describe(const OpType&);                       \
  std::vector<ValueType> infer(const OpType&, Types inputs); \
  Cost cost(const OpType&, Types inputs, Types outputs);     \
  void backward(const OpType&, const Node& node, Gradients& g);

RESNET_DECLARE_OP(Conv)
RESNET_DECLARE_OP(ConvGradInput)
RESNET_DECLARE_OP(ConvGradWeight)
RESNET_DECLARE_OP(BatchNorm)
RESNET_DECLARE_OP(BatchNormGrad)
RESNET_DECLARE_OP(BatchNormInference)
RESNET_DECLARE_OP(BatchNormInferenceGrad)
RESNET_DECLARE_OP(UpdateRunning)
RESNET_DECLARE_OP(Unary)
RESNET_DECLARE_OP(UnaryGrad)
RESNET_DECLARE_OP(Binary)
RESNET_DECLARE_OP(ScaleChannels)
RESNET_DECLARE_OP(ChannelDot)
RESNET_DECLARE_OP(Dropout)
RESNET_DECLARE_OP(Cast)
RESNET_DECLARE_OP(StopGradient)
RESNET_DECLARE_OP(Fill)
RESNET_DECLARE_OP(Reshape)
RESNET_DECLARE_OP(Concat)
RESNET_DECLARE_OP(Slice)
RESNET_DECLARE_OP(SliceGrad)
RESNET_DECLARE_OP(Subsample)
RESNET_DECLARE_OP(SubsampleGrad)
RESNET_DECLARE_OP(Transpose)
RESNET_DECLARE_OP(Broadcast)
RESNET_DECLARE_OP(Reduce)
RESNET_DECLARE_OP(StridedSlice)
RESNET_DECLARE_OP(Pad)
RESNET_DECLARE_OP(MaxPool)
RESNET_DECLARE_OP(MaxPoolGrad)
RESNET_DECLARE_OP(AveragePool)
RESNET_DECLARE_OP(AveragePoolGrad)
RESNET_DECLARE_OP(GlobalAveragePool)
RESNET_DECLARE_OP(GlobalAveragePoolGrad)
RESNET_DECLARE_OP(Linear)
RESNET_DECLARE_OP(LinearGradInput)
RESNET_DECLARE_OP(LinearGradWeight)
RESNET_DECLARE_OP(SumChannels)
RESNET_DECLARE_OP(MatMul)
RESNET_DECLARE_OP(Softmax)
RESNET_DECLARE_OP(SoftmaxGrad)
RESNET_DECLARE_OP(CrossEntropy)
RESNET_DECLARE_OP(CrossEntropyGrad)
RESNET_DECLARE_OP(Sgd)
#undef RESNET_DECLARE_OP

template <class T>
concept CompleteOp = requires(const T& op, Types types, const Node& node, Gradients& g) {
  { name_of(op) } -> std::convertible_to<std::string_view>;
  { describe(op) } -> std::convertible_to<std::string>;
  { infer(op, types) } -> std::same_as<std::vector<ValueType>>;
  { cost(op, types, types) } -> std::same_as<Cost>;
  {backward(op, node, g)};
};

std::string_view name_of(const Op& op);
std::string describe(const Op& op);
std::vector<ValueType> infer(const Op& op, Types inputs);
/// cost() of one node of `graph`.
Cost cost(const Graph& graph, const Node& node);

}  // namespace resnet
