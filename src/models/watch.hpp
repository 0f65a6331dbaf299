// Where the layers and the residual blocks of a graph are, and a network that can be looked into while it runs: its
// activations, its gradients, and how much of a gradient comes through a block's branch and through its shortcut.
#pragma once

#include "graph/graph.hpp"
#include "runtime/executable.hpp"
#include "runtime/state.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

/// A convolution or a linear layer. Those on a shortcut (projections) and in squeeze-and-excitation are left out:
/// papers do not count them either.
struct WatchedLayer {
  std::string name;     // "blocks.0.linear1"
  Value input, weight;  // what it reads: in a block's first layer, the branch's own copy of the block's input
  Value bias;           // invalid without one
  Value output;         // behind the batch norm and ReLU that follow it directly
};

/// y = F(x) + x, or F(x) + projection(x). Branch and shortcut read copies of x, so that each has a gradient of its own;
/// their sum is the gradient of x.
struct WatchedBlock {
  std::string name;                    // "blocks.0"
  Value input;                         // x
  Value branch_input, shortcut_input;  // copies of x
  Value branch, shortcut;              // F(x), and x or its projection
  Value sum, output;                   // F(x) + x, and what leaves the block (behind a ReLU if there is one)
  std::vector<std::size_t> layers;     // of the branch, as indices
  bool identity = false;               // the shortcut is x itself
};

struct WatchedGraph {
  Graph graph;
  std::vector<WatchedLayer> layers;  // from input to output
  std::vector<WatchedBlock> blocks;
  std::vector<Value> joined;  // the main path of a dense network: what enters and leaves each concatenation
};

/// `forward` (inputs, forward nodes, state; not fused) with copies of the input of each block, and where everything is.
/// A block is an addition both of whose sides come from one value.
WatchedGraph watch(const Graph& forward);

/// Frobenius norms after a run.
struct LayerNorms {
  double output = 0, dw = 0, db = 0;
  double dx = 0;  // of the gradient that the layer returns to its input
};
struct BlockNorms {
  double input = 0, branch = 0, sum = 0, output = 0;  // x, F(x), F(x) + x, what leaves
  double dy = 0;                                      // dL/d(F(x) + x)
  double dx = 0, dx_branch = 0, dx_shortcut = 0;
  double d_output = 0;  // of the gradient of what leaves
};

class WatchedNetwork {
 public:
  /// Differentiates `forward` from `seeded`, one of its outputs: a loss, or a value whose gradient is the input "dy" if
  /// the graph has one, else ones. `state` must hold the graph's state and outlive this.
  WatchedNetwork(const Graph& forward, const std::string& seeded, State& state, const CompileOptions& options);

  const std::vector<WatchedLayer>& layers() const { return watched_.layers; }
  const std::vector<WatchedBlock>& blocks() const { return watched_.blocks; }
  const std::vector<Value>& joined() const { return watched_.joined; }
  /// Inputs and outputs of `forward` are there under their names.
  Executable& program() { return *program_; }

  // After a run.
  LayerNorms layer(std::size_t index) const;
  BlockNorms block(std::size_t index) const;
  double gradient_norm(Value value) const;
  /// The value itself, and its gradient (empty if the seeded output does not depend on it).
  Tensor value(Value value) const;
  std::optional<Tensor> gradient(Value value) const;

 private:
  void observe(Value value);
  double norm(Value value) const;

  WatchedGraph watched_;
  std::vector<Value> gradients_;  // by value id
  std::unique_ptr<Executable> program_;
};

/// Square root of the sum of squares, summed in double, also where squares are beyond a double's range. f32 or f64.
double frobenius_norm(const Tensor& tensor);

}  // namespace resnet
