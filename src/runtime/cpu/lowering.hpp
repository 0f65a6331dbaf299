// The state of one lowering: where each value lies and in which layout, and the steps so far. The families' files
// (convolution.cpp, norm.cpp, ...) lower one op each.
//
// Layouts live only here. Images [N,C,H,W] and batch-normalised matrices are blocked (kernels.hpp), or, where AMX
// computes, batch-inner (amx/kernels.hpp) or, inferring, channels-last (amx/channels_last.hpp); inputs, state, matrices
// and everything readable from outside are row-major; a conversion step appears only where neighbours disagree.
#pragma once

#include "graph/graph.hpp"
#include "runtime/cpu/kernels.hpp"
#include "runtime/cpu/primitive.hpp"
#include "runtime/program.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace resnet::cpu {

enum class Layout : uint8_t { row_major, blocked, batch_inner, channels_last };
inline constexpr std::size_t layout_count = 4;

/// Number `part` of `parts` nearly equal pieces of 0 .. total - 1.
struct Range {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};
Range part_of(int64_t total, int64_t parts, int64_t part);

/// work(plane, first line, line behind the last) for each plane of `lines` lines that has some of `range`, in which the
/// lines of all planes follow one another.
template <class Work>
void each_plane(Range range, int64_t lines, const Work& work) {
  for (int64_t at = range.begin; at < range.end;) {
    const int64_t plane = at / lines, first = at % lines, end = std::min(lines, first + range.end - at);
    work(plane, first, end);
    at += end - first;
  }
}

/// How many tasks `work` elements (or a like amount of work) are worth; a function of shapes alone.
int tasks_for(int64_t work, int64_t limit);

/// Work of one task; `worker` says whose scratch memory it may use.
using Task = std::function<void(const Memory& memory, int task, int worker)>;

/// Runs tasks on a program's threads; a single task on the calling thread.
struct Runner {
  ThreadPool* pool;
  void operator()(const Memory& memory, int tasks, const Task& work) const;
};

/// work(T{}) with the type T in which images of that type are stored: float or BFloat16.
template <class Work>
void with_image_type(DType type, const Work& work) {
  if (type == DType::bf16)
    work(BFloat16{});
  else
    work(float{});
}

/// How an image's layout consists of planes of `block` lanes (kernels.hpp).
struct PlaneCut {
  int64_t planes = 0;
  int64_t beside = 1;  // planes whose pixels lie between each other's
  int64_t pixel = 0;   // elements from one pixel of a plane to the next

  /// Where a plane of so many pixels begins.
  int64_t offset(int64_t plane, int64_t pixels) const {
    return plane / beside * pixels * pixel + plane % beside * (pixel / beside);
  }
};

/// All lines of a pooling from images like `x` to such like `y`.
PoolSizes pool_sizes(const Shape& x, const Shape& y, const Window& window, int64_t pixel);

class Lowering {
 public:
  Lowering(const Graph& graph, Program& program);

  const ValueInfo& operator[](Value value) const { return graph[value]; }
  const Shape& shape(Value value) const { return graph[value].shape; }
  int64_t block() const { return kernels.block; }
  int64_t channel_blocks(Value value) const { return (shape(value).c() + block() - 1) / block(); }
  int64_t pixels(Value value) const { return shape(value).elements() / shape(value).n() / shape(value).c(); }
  /// Elements that one image takes in a layout.
  int64_t image_elements(Value value, Layout layout) const;
  int64_t channel_pairs(Value value) const { return (shape(value).c() + 1) / 2; }
  int64_t image_bytes(Value value, Layout layout) const;
  int64_t elements(Value value, Layout layout) const { return shape(value).n() * image_elements(value, layout); }

  /// In the blocked or the batch-inner layout.
  PlaneCut planes(Value value, Layout layout) const;

  /// A layout the value already lies in, row-major last.
  Layout layout(Value value) const;
  /// The layout in which kernels want this image: batch-inner where that is possible and the network takes it.
  Layout image_layout(Value value) const;
  /// Whether convolutions should take and give this image channels-last.
  bool wants_channels_last(Value value) const;
  /// Where the value lies in this layout; appends a conversion step if it does not yet.
  Buffer read(Value value, Layout layout = Layout::row_major);
  /// Memory for a value that a step is about to compute.
  Buffer write(Value value, Layout layout = Layout::row_major);
  /// The same, but in place of the state whose next value it is; for ops that update element by element.
  Buffer write_next(Value value);
  /// `to` is `from` under another name (and, row-major only, another shape).
  void share(Value from, Value to);
  /// Planned memory that belongs to no value.
  Buffer temporary(const Node& node, const std::string& what, int64_t bytes);

  /// A step that rearranges weights, found at `from`, into memory of their own: before the first run if no run changes
  /// them. It has from as reads[0] and that memory as writes[0]; the caller says how it runs, and adds it.
  Step packing(Value weights, Buffer from, const std::string& what, std::string implementation, std::size_t bytes);

  /// The node that alone reads this value, which nobody observes; null if there is none. A kernel that can do that
  /// node's work while it has the value in its registers writes its result instead and absorbs it.
  const Node* sole_reader(Value value) const;
  void absorb(const Node& node) { absorbed_.insert(&node); }
  bool is_absorbed(const Node& node) const { return absorbed_.contains(&node); }

  /// A step whose tasks run on the program's threads.
  void add(const Node& node, std::string implementation, std::vector<Buffer> reads, std::vector<Buffer> writes,
           int tasks, Task work);
  /// For steps of several parallel parts: a step without buffers and run, and what runs tasks in it.
  Step step(const Node& node, std::string implementation) const;
  Runner runner() const;

  /// Appends the outputs, and copies of next states that were not computed in place; scratch gets its memory.
  void finish();

  const Graph& graph;
  Program& program;
  const Kernels& kernels;
  std::shared_ptr<Workers> workers;
  bool training;  // the graph updates its state, so packed weights change every run

  /// Primitives by kind and sizes, so that equal layers share one.
  std::map<std::vector<int64_t>, std::shared_ptr<Primitive>> primitives;
  /// Weights packed for a primitive: by value, number of parts along the first axis, and layout.
  struct Packed {
    Value value;
    int parts = 1;
    MemoryDesc desc;
    Buffer buffer;
  };
  std::vector<Packed> packed;
  /// Moments of a convolution's output, gathered while it was computed: [parts][C][2] doubles, and each part's count.
  struct Moments {
    Buffer buffer;
    std::vector<double> counts;
  };
  std::map<Value, Moments> moments;
  /// Weights with zeros between groups that are computed together.
  std::map<Value, Buffer> widened;

 private:
  Buffer convert(Value value, Layout source, Layout layout);
  std::size_t bytes(Value value, Layout layout) const;
  std::optional<Value> state_of(Value next) const;

  bool batch_inner_, channels_last_;  // the network's images lie so
  std::vector<const Node*> readers_;  // by value id: see sole_reader
  std::set<const Node*> absorbed_;
  std::vector<std::array<Buffer, layout_count>> stored_;  // by value id and layout
};

// One function for each op, in its family's file.
void lower(const Conv&, const Node&, Lowering&);
void lower(const ConvGradInput&, const Node&, Lowering&);
void lower(const ConvGradWeight&, const Node&, Lowering&);
void lower(const BatchNorm&, const Node&, Lowering&);
void lower(const BatchNormGrad&, const Node&, Lowering&);
void lower(const BatchNormInference&, const Node&, Lowering&);
void lower(const BatchNormInferenceGrad&, const Node&, Lowering&);
void lower(const UpdateRunning&, const Node&, Lowering&);
void lower(const Unary&, const Node&, Lowering&);
void lower(const UnaryGrad&, const Node&, Lowering&);
void lower(const Binary&, const Node&, Lowering&);
void lower(const ScaleChannels&, const Node&, Lowering&);
void lower(const ChannelDot&, const Node&, Lowering&);
void lower(const Dropout&, const Node&, Lowering&);
void lower(const Cast&, const Node&, Lowering&);
void lower(const StopGradient&, const Node&, Lowering&);
void lower(const Fill&, const Node&, Lowering&);
void lower(const Reshape&, const Node&, Lowering&);
void lower(const Concat&, const Node&, Lowering&);
void lower(const Slice&, const Node&, Lowering&);
void lower(const SliceGrad&, const Node&, Lowering&);
void lower(const Subsample&, const Node&, Lowering&);
void lower(const SubsampleGrad&, const Node&, Lowering&);
void lower(const Transpose&, const Node&, Lowering&);
void lower(const Broadcast&, const Node&, Lowering&);
void lower(const Reduce&, const Node&, Lowering&);
void lower(const StridedSlice&, const Node&, Lowering&);
void lower(const Pad&, const Node&, Lowering&);
void lower(const MaxPool&, const Node&, Lowering&);
void lower(const MaxPoolGrad&, const Node&, Lowering&);
void lower(const AveragePool&, const Node&, Lowering&);
void lower(const AveragePoolGrad&, const Node&, Lowering&);
void lower(const GlobalAveragePool&, const Node&, Lowering&);
void lower(const GlobalAveragePoolGrad&, const Node&, Lowering&);
void lower(const Linear&, const Node&, Lowering&);
void lower(const LinearGradInput&, const Node&, Lowering&);
void lower(const LinearGradWeight&, const Node&, Lowering&);
void lower(const SumChannels&, const Node&, Lowering&);
void lower(const MatMul&, const Node&, Lowering&);
void lower(const Softmax&, const Node&, Lowering&);
void lower(const SoftmaxGrad&, const Node&, Lowering&);
void lower(const CrossEntropy&, const Node&, Lowering&);
void lower(const CrossEntropyGrad&, const Node&, Lowering&);
void lower(const Sgd&, const Node&, Lowering&);

}  // namespace resnet::cpu
