// What a network costs: parameters and multiply-adds, in all and layer by layer.
#pragma once

#include "graph/graph.hpp"
#include "models/model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

/// One forward node.
struct LayerCost {
  std::string name;        // path, "layer1.0.conv1"
  std::string op;          // "conv", "batch_norm", ...
  std::string attributes;  // "3x3 /2 pad 1"
  Shape output;
  int64_t parameters = 0;  // elements; a shared parameter counts at its first use
  int64_t macs = 0;        // convolutions and linear layers only, as in the papers
};

struct NetworkCost {
  int64_t parameters = 0;
  int64_t macs = 0;
  std::vector<LayerCost> layers;
};

/// Of the forward nodes of `graph`, for the batch it was built with.
NetworkCost network_cost(const Graph& graph);

/// Of one image through the network, in inference mode.
NetworkCost network_cost(const ModelSpec& spec);

}  // namespace resnet
