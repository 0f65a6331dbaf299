// ONNX files of classification networks as graphs: any opset from 6 to 25, float32, values of rank 4 or less. An
// imported network is one like any other: it can be run, inspected, evaluated, and trained.
#pragma once

#include "formats/model_file.hpp"
#include "formats/onnx_model.hpp"
#include "graph/graph.hpp"
#include "runtime/state.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace resnet::onnx {

struct ImportOptions {
  /// One image input, which is called "images"; the outputs are called "output/NAME".
  bool whole_network = false;
  bool keep_dropout = false;  // as nodes of a training graph, with the input "random_key"; else they are identities
  /// Extent of the first axis that a file made for one batch size has built in, and what it is read as.
  int64_t declared_batch = 0, batch = 0;
};

struct ImportedGraph {
  Graph graph;  // inputs and outputs have the file's names
  State state;  // its weights: f32; parameters where a layer learns them, statistics where a constant is just read
};

/// The graph for inputs of these shapes (f32; inputs of other types are taken for constants only).
/// Error (bad model): an operator or a case of one that is not supported, by the node's name and what can be done.
ImportedGraph import_graph(const Model& model, const std::map<std::string, Shape>& inputs,
                           const ImportOptions& options = {});

/// The operators that are understood, in alphabetical order.
std::vector<std::string> supported_operators();

struct ImportedNetwork {
  ModelSpec spec;  // Family::written_out
  State state;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> notes;
};

/// A classification network: one image input [N,C,H,W] and logits [N,K] as the first output (or "logits"); a softmax at
/// the end is taken off. `size` stands in where the file leaves height and width open. Error (bad model), naming the
/// file: see parse and import_graph; other inputs or outputs.
ImportedNetwork import_network(const fs::path& path, const std::optional<ImageSize>& size = {});

/// The same of a file's bytes.
ImportedNetwork import_network(std::string_view bytes, const std::string& name,
                               const std::optional<ImageSize>& size = {});

}  // namespace resnet::onnx
