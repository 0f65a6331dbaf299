// A network as the list of its layers: the structure of imported networks, which no row of numbers describes. Like a
// row it says nothing of batch size and mode, so the same list builds training and inference graphs of any batch.
#pragma once

#include "graph/graph.hpp"

#include <functional>
#include <string>
#include <vector>

namespace resnet {

struct WrittenOut {
  struct State {
    std::string name;
    Shape shape;
    bool trained = true;  // false: statistics, and constants that are only read
  };
  /// One op with its first output. Inputs are numbers: 0 is the images, then come the states, then the layers.
  /// An extent in an op's shape that is -k stands for k times the batch. A batch norm is written as
  /// BatchNormInference, dropout without its key; training graphs get what they need instead.
  struct Layer {
    std::string name;
    Op op;
    std::vector<int> inputs;
  };
  std::vector<State> states;
  std::vector<Layer> layers;
  int logits = 0;  // the number of the value [N, classes]

  bool empty() const { return layers.empty(); }
};

/// Whether both are written as the same text.
bool operator==(const WrittenOut& a, const WrittenOut& b);

/// What leads from the input "images" to the output "logits" of the graphs that `build` makes for a batch. It is called
/// for two batch sizes: extents that grow with the batch are found by comparing. The graphs must be inference graphs.
/// Error (bad model): an op that cannot be written, or an extent that depends on the batch in another way.
WrittenOut write_out(const std::function<Graph(int64_t batch)>& build, int64_t small_batch = 2,
                     int64_t large_batch = 3);

/// Why the list cannot be built; empty if numbers and sizes are in order (shapes are checked when it is built).
std::string problem_of(const WrittenOut& network);

/// The layer that computes the logits with its own classes, and the shapes that follow from it.
/// Error (bad model): the last layer with weights is no linear layer or convolution.
WrittenOut with_classes(WrittenOut network, int64_t classes);

}  // namespace resnet
