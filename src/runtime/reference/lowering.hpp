// How the reference backend turns nodes into steps: one step per node, every value row-major in the computing type.
// bf16 values too: a step that computes one rounds its result. The kernels are naive loops, the oracle of every test.
#pragma once

#include "base/bfloat16.hpp"
#include "graph/graph.hpp"
#include "runtime/program.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace resnet::reference {

/// The inputs and outputs of one node during a run; T is the computing type.
template <class T>
class Arguments {
 public:
  Arguments(const Memory& memory, const std::vector<Buffer>& reads, const std::vector<Buffer>& writes,
            ThreadPool& threads)
      : memory_(memory), reads_(reads), writes_(writes), threads_(threads) {}

  const T* in(std::size_t index) const { return memory_.at<T>(reads_[index]); }
  T* out(std::size_t index) const { return memory_.at<T>(writes_[index]); }
  const int32_t* integers_in(std::size_t index) const { return memory_.at<int32_t>(reads_[index]); }
  int32_t* integers_out(std::size_t index) const { return memory_.at<int32_t>(writes_[index]); }
  uint64_t key(std::size_t index) const { return static_cast<uint64_t>(*memory_.at<int64_t>(reads_[index])); }

  /// body(task) for 0 .. tasks - 1, each writing its own outputs, so that threads cannot change a result. Below
  /// `operations` worth a wake-up everything stays on the calling thread.
  template <class Body>
  void parallel(int64_t tasks, int64_t operations, const Body& body) const {
    constexpr int64_t worth_a_wake_up = 1 << 15;
    if (operations < worth_a_wake_up || threads_.threads() == 1) {
      for (int64_t task = 0; task < tasks; ++task) body(task);
    } else {
      threads_.run(static_cast<int>(tasks), [&body](int task, int) { body(int64_t{task}); });
    }
  }

 private:
  const Memory& memory_;
  const std::vector<Buffer>& reads_;
  const std::vector<Buffer>& writes_;
  ThreadPool& threads_;
};

/// Each of `count` values to the nearest with 8 significant bits.
template <class T>
void round_to_bf16(T* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = static_cast<T>(to_float(to_bfloat16(static_cast<float>(values[i]))));
}

class Lowering {
 public:
  Lowering(const Graph& graph, Program& program);

  /// Lowers every node in order and names the outputs.
  void lower_all();

  const Shape& shape(Value value) const { return graph_[value].shape; }
  DType dtype(Value value) const { return graph_[value].dtype; }

  /// Adds the node's step: kernel(Arguments<float>) or kernel(Arguments<double>).
  template <class Kernel>
  void step(const Node& node, Kernel kernel) {
    if (program_.options().compute == DType::f64) {
      add_step<double>(node, std::move(kernel));
    } else {
      add_step<float>(node, std::move(kernel));
    }
  }

  /// The node's output is its first input under another name or shape: no step, no copy; but state is copied, since an
  /// update may overwrite it before the output is read.
  void share(const Node& node);

 private:
  template <class T, class Kernel>
  void add_step(const Node& node, Kernel kernel) {
    const std::vector<Buffer> reads = buffers(node.inputs), writes = buffers(node.outputs);
    const std::vector<int64_t> rounded = low_precision_counts(node);
    program_.add({.info = info(node),
                  .reads = reads,
                  .writes = writes,
                  .run = [kernel = std::move(kernel), reads, writes, rounded,
                          &threads = program_.threads()](const Memory& memory) {
                    kernel(Arguments<T>(memory, reads, writes, threads));
                    for (std::size_t i = 0; i < writes.size(); ++i) round_to_bf16(memory.at<T>(writes[i]), rounded[i]);
                  }});
  }

  StepInfo info(const Node& node) const;
  /// Of each output: its elements if it is bf16, else 0.
  std::vector<int64_t> low_precision_counts(const Node& node) const;
  DType stored(DType dtype) const { return is_floating(dtype) ? program_.options().compute : dtype; }
  std::vector<Buffer> buffers(const std::vector<Value>& values);
  Buffer buffer(Value value);

  const Graph& graph_;
  Program& program_;
  std::vector<Buffer> buffers_;    // by value id; made at the first use
  std::vector<Value> updated_by_;  // by value id: the state that this value becomes after the run
};

// One per op, in its family's file.
#define RESNET_DECLARE_LOWER(OpType) void lower(const OpType& op, const Node& node, Lowering& to);
RESNET_DECLARE_LOWER(Conv)
RESNET_DECLARE_LOWER(ConvGradInput)
RESNET_DECLARE_LOWER(ConvGradWeight)
RESNET_DECLARE_LOWER(BatchNorm)
RESNET_DECLARE_LOWER(BatchNormGrad)
RESNET_DECLARE_LOWER(BatchNormInference)
RESNET_DECLARE_LOWER(BatchNormInferenceGrad)
RESNET_DECLARE_LOWER(UpdateRunning)
RESNET_DECLARE_LOWER(Unary)
RESNET_DECLARE_LOWER(UnaryGrad)
RESNET_DECLARE_LOWER(Binary)
RESNET_DECLARE_LOWER(ScaleChannels)
RESNET_DECLARE_LOWER(ChannelDot)
RESNET_DECLARE_LOWER(Dropout)
RESNET_DECLARE_LOWER(Cast)
RESNET_DECLARE_LOWER(StopGradient)
RESNET_DECLARE_LOWER(Fill)
RESNET_DECLARE_LOWER(Reshape)
RESNET_DECLARE_LOWER(Concat)
RESNET_DECLARE_LOWER(Slice)
RESNET_DECLARE_LOWER(SliceGrad)
RESNET_DECLARE_LOWER(Subsample)
RESNET_DECLARE_LOWER(SubsampleGrad)
RESNET_DECLARE_LOWER(Transpose)
RESNET_DECLARE_LOWER(Broadcast)
RESNET_DECLARE_LOWER(Reduce)
RESNET_DECLARE_LOWER(StridedSlice)
RESNET_DECLARE_LOWER(Pad)
RESNET_DECLARE_LOWER(MaxPool)
RESNET_DECLARE_LOWER(MaxPoolGrad)
RESNET_DECLARE_LOWER(AveragePool)
RESNET_DECLARE_LOWER(AveragePoolGrad)
RESNET_DECLARE_LOWER(GlobalAveragePool)
RESNET_DECLARE_LOWER(GlobalAveragePoolGrad)
RESNET_DECLARE_LOWER(Linear)
RESNET_DECLARE_LOWER(LinearGradInput)
RESNET_DECLARE_LOWER(LinearGradWeight)
RESNET_DECLARE_LOWER(SumChannels)
RESNET_DECLARE_LOWER(MatMul)
RESNET_DECLARE_LOWER(Softmax)
RESNET_DECLARE_LOWER(SoftmaxGrad)
RESNET_DECLARE_LOWER(CrossEntropy)
RESNET_DECLARE_LOWER(CrossEntropyGrad)
RESNET_DECLARE_LOWER(Sgd)
#undef RESNET_DECLARE_LOWER

}  // namespace resnet::reference
