// What can be taken out of a trained network or put elsewhere in it, a residual block or a layer of a plain network,
// and the network that is left. Edits are functions over graphs; the result is a network like any other.
#pragma once

#include "models/model.hpp"

#include <set>
#include <string>
#include <vector>

namespace resnet {

struct LesionUnit {
  std::string name;                     // "layer1.0"; "layer1.0.conv2"
  std::size_t layer = 0;                // where its last layer with weights stands in the network, from 1
  std::size_t layers = 1;               // with weights
  Value output;                         // what leaves it, before the ReLU behind a block's addition
  Value instead;                        // what takes its place: the block's shortcut, or what the layer reads
  bool resamples = false;               // image or channels change their size
  std::vector<std::size_t> nodes = {};  // between what it reads and `output`, as indices in the order of the graph
};

struct LesionUnits {
  Graph graph;                         // of watch(): the blocks read copies of their inputs
  std::set<std::string> copies;        // the nodes that make these copies
  std::vector<LesionUnit> units;       // from input to output
  std::vector<std::string> untouched;  // layers between the first and the last that cannot be taken out
  bool residual = false;               // the units are blocks
};

/// The blocks of a network that has some, else its layers but for the first and the last, as far as their shapes allow
/// it: what such a layer reads must have its output's shape, or become it by leaving out pixels and adding zero
/// channels, as shortcut A does (He et al. 2015, 3.3). Veit et al. 2016 (4.1) gave their plain network one width
/// instead. Error (usage): nothing can be taken out, or layers read all earlier ones (dense networks).
LesionUnits find_units(const Graph& forward);

/// What is done to a network.
struct Lesion {
  std::set<std::size_t> deleted = {};
  /// The unit whose weights and statistics stand at each place; empty: each its own.
  std::vector<std::size_t> order = {};
};

/// The graph of the network after that. What nobody reads any more stays in it.
Graph lesioned(const LesionUnits& units, const Lesion& lesion);

/// The same as a network: `spec` is whole. Its weights are found in the whole network's state.
ModelSpec lesioned(const ModelSpec& spec, const Lesion& lesion);

/// Whether two units have the same layers of the same shapes.
bool interchangeable(const LesionUnits& units, std::size_t a, std::size_t b);

/// Kendall's rank correlation of an order with 0, 1, 2, ... (no ties): 1 for the same, -1 for the reverse order.
double kendall_tau(const std::vector<std::size_t>& order);

}  // namespace resnet
