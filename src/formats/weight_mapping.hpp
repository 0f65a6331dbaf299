// Which tensor of a foreign file belongs to which state value of a network: by name where the names are torchvision's
// or timm's, by structure for anything that has the same shapes in the same order.
#pragma once

#include "formats/weights_file.hpp"
#include "graph/graph.hpp"
#include "runtime/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

struct WeightReport {
  std::string how;                                         // "by name", "by structure"
  int64_t matched = 0;                                     // tensors of the network that the file holds
  std::vector<std::string> missing, unexpected, reshaped;  // of the network, of the file, "fc.weight: expected ..."
  bool new_head = false;                                   // the reshaped ones are the head, which starts anew
};

/// "122 tensors matched by name; ..." with the first few names of what did not.
std::string describe(const WeightReport& report);

struct MappedWeights {
  State state;  // f32, under the network's names; without the head if it starts anew
  int64_t num_batches_tracked = 0;
  WeightReport report;
};

enum class HeadPolicy : uint8_t { exact, remake };

/// Names are compared without "module." and "_orig_mod.", with "shortcut" for "downsample", and with the file's own
/// word for the head ("linear", "classifier", "head.fc"). Shapes may differ by trailing extents of 1 (a 1x1 convolution
/// that is a linear layer). HeadPolicy::remake: a head for other classes is left out. None: the file does not fit;
/// `report` then says how near it came by name.
std::optional<MappedWeights> map_weights(const Graph& graph, const WeightsFile& file, HeadPolicy policy,
                                         WeightReport& report);

/// The same. Error (bad model), `where` first: it does not fit.
MappedWeights expect_mapped(const Graph& graph, const WeightsFile& file, HeadPolicy policy, const std::string& where);

struct NetworkEnds {
  std::optional<int64_t> classes, channels;
};

/// What the file's tensors under the names of the graph's head and first convolution say; the order of the tensors,
/// which safetensors files have by name, does not matter.
NetworkEnds ends_by_name(const Graph& graph, const WeightsFile& file);

/// The parameters of the last layer with parameters before the output "logits", a batch norm not counted.
std::vector<std::string> head_parameters(const Graph& graph);

}  // namespace resnet
