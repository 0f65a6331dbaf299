// Model files and checkpoints: safetensors whose metadata hold the structure, the classes and the preprocessing as
// JSON, so that one file is all that prediction needs, and whose tensors PyTorch loads with
// load_state_dict(strict=True).
#pragma once

#include "base/files.hpp"
#include "base/preprocessing.hpp"
#include "formats/safetensors.hpp"
#include "models/model.hpp"
#include "runtime/state.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace resnet {

/// What a network needs to be used, besides its weights.
struct ModelInfo {
  ModelSpec spec;
  std::vector<std::string> classes;  // spec.classes names
  Preprocessing preprocessing;       // of the spec's input size
};

struct ModelFile {
  ModelInfo info;
  State state;                      // parameters and running statistics, f32
  int64_t num_batches_tracked = 0;  // training steps that the running statistics saw
};

/// Writes the parameters and running statistics of the spec's network as f32, and "PREFIX.num_batches_tracked" (i64
/// scalar) for each batch norm. Tensors of `state` that do not belong to the network are left out.
/// Error: the state lacks a tensor, the info contradicts itself (see load_model), or the file cannot be written.
void save_model(const fs::path& path, const ModelInfo& info, const State& state, int64_t num_batches_tracked);

/// Reads what save_model or save_checkpoint wrote; the optimizer's tensors are dropped.
/// Error (bad model), naming the file: see read_safetensors and match(); metadata missing or malformed; the numbers of
/// classes or the input sizes of spec, classes and preprocessing differ.
ModelFile load_model(const fs::path& path, const ReadLimits& limits = {});
/// The same of a file that was read already; `where` names it in errors.
ModelFile model_from(TensorFile file, const std::string& where);

/// Everything that a run needs to go on with the same bytes.
struct Checkpoint {
  ModelInfo info;
  State state;  // parameters, running statistics, and momenta under "optimizer/", of any type
  int64_t num_batches_tracked = 0;
  std::map<std::string, std::string> extra;  // counters, random state, recipe: what the trainer wants kept
};

/// Writes the whole state. `extra` keys must not be "format", "spec", "classes" or "preprocessing".
void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint);
/// The same without copying a large state into a Checkpoint.
void save_checkpoint(const fs::path& path, const ModelInfo& info, const State& state, int64_t num_batches_tracked,
                     const std::map<std::string, std::string>& extra);
/// Error (bad model): as load_model; additional tensors must be under "optimizer/".
Checkpoint load_checkpoint(const fs::path& path, const ReadLimits& limits = {});

/// How the tensors of a state and the state values of a graph differ; lines such as
/// "fc.weight: expected [10x64], got [100x64]" for reshaped ones, names for the others.
struct StateMatch {
  std::vector<std::string> missing, unexpected, reshaped;
  bool exact() const { return missing.empty() && unexpected.empty() && reshaped.empty(); }
};

/// Tensors under "optimizer/" are not unexpected in a graph that has no momenta.
StateMatch match(const Graph& graph, const State& state);

/// Error (bad model): `state` does not fit the graph exactly; one line with the first few names of each kind.
/// `where` (a file) comes first.
void expect_match(const Graph& graph, const State& state, const std::string& where);

}  // namespace resnet
