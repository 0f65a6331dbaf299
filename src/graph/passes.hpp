// The passes, in the order they are called: fuse -> differentiate -> add_updates (training), fold_batch_norm -> fuse
// (inference). Each is a function; none keeps state. recompute is for those who lack memory: it goes last, after
// add_updates.
#pragma once

#include "base/tensor.hpp"
#include "graph/differentiate.hpp"
#include "graph/graph.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace resnet {

/// Leaves the named parameters out of training, before anything else is done to the graph: a batch norm whose gamma and
/// beta are among them normalises with its running statistics, as in inference, and no longer updates them. Whoever
/// differentiates afterwards must not ask for their gradients.
Graph freeze(const Graph& graph, const std::set<std::string>& parameters);

/// Joins BatchNorm and ReLU, the residual addition and ReLU, and, in graphs without a training batch norm, convolution
/// with addition and ReLU. Never through an output: what somebody observes stays a value of its own.
Graph fuse(const Graph& graph);

/// Weights by name, as a state holds them.
using Parameters = std::map<std::string, Tensor>;

/// Inference batch norm whose input is a convolution with no other use becomes a bias and scaled weights:
/// w' = w gamma / sqrt(var + epsilon), b' = beta + (b - mean) gamma / sqrt(var + epsilon).
std::pair<Graph, Parameters> fold_batch_norm(const Graph& graph, Parameters parameters);

/// An inference graph for larger images, which need not be square: the classifier, from the pooling of the last feature
/// map on, is applied at each position at which the map's original extent fits, and "logits" [batch, classes] are the
/// mean over the positions (Simonyan & Zisserman 2015, section 3.2; He et al. 2015, section 3.4). A linear layer
/// becomes a convolution with the same numbers. Error (bad model): a layer depends on the size of the image.
std::pair<Graph, Parameters> fully_convolutional(const Graph& graph, const Parameters& parameters, int64_t batch,
                                                 int64_t height, int64_t width);

/// Memory for time: where backward reads the output of a cheap forward node (batch norm, ReLU, most residual sums), a
/// clone right before that use computes it again, so that it need not be kept. A clone never updates running
/// statistics. Of the outputs of such nodes, `most_kept` bytes at most stay kept: they are dropped from the input on,
/// because what is computed again there comes at the end of the backward pass, when memory is free.
Graph recompute(const Graph& graph, double most_kept = 0);

enum class Precision : uint8_t { fp32, bf16 };
std::string_view name_of(Precision precision);
/// Inserts casts so that images from the first convolution on, and later their gradients, are stored in `precision`:
/// what lies between convolutions follows them. Weights, statistics, linear layers, losses and outputs stay f32, and so
/// do all sums. Comes before differentiate.
Graph insert_casts(const Graph& graph, Precision precision);

struct SgdOptions {
  float momentum = 0.9f;
  float weight_decay = 0;
  bool nesterov = false;
  std::map<std::string, float> rate_scale = {};  // of parameters whose learning rate differs, by name
  bool decay_vectors = true;  // false: batch norm's parameters and biases are left out of the weight decay
};
/// Appends an SGD step for each parameter with a gradient, as early as its last reader allows, and its momentum state
/// "optimizer/NAME". The learning rate is the input "learning_rate" [1].
Graph add_updates(const Graph& graph, const std::map<Value, Value>& gradients, const SgdOptions& options);

}  // namespace resnet
