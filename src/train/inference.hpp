// A network ready to answer: the inference graph with its batch norms folded into the convolutions, compiled once for
// each batch size. Evaluation during training, `eval` and `predict` all take this path.
#pragma once

#include "base/parallel.hpp"
#include "graph/passes.hpp"
#include "models/model.hpp"
#include "runtime/executable.hpp"
#include "runtime/state.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace resnet {

/// forward_graph -> fold_batch_norm, and the weights that it needs.
std::pair<Graph, Parameters> folded_network(const ModelSpec& spec, const State& state, int64_t batch);

/// The same -> fuse -> insert_casts. Input "images", output "logits".
std::pair<Graph, Parameters> inference_graph(const ModelSpec& spec, const State& state, int64_t batch,
                                             Precision precision = Precision::fp32);

class InferenceProgram {
 public:
  /// `state` holds the weights and statistics of `spec`; it may change between runs (its version tells) and must
  /// outlive this.
  InferenceProgram(ModelSpec spec, const State& state, const CompileOptions& options,
                   Precision precision = Precision::fp32);

  /// Logits [N, classes] of images [N, C, H, W].
  Tensor logits(const Tensor& images);

 private:
  Executable& executable(int64_t batch);

  ModelSpec spec_;
  const State& source_;
  CompileOptions options_;
  Precision precision_;
  State folded_;
  std::optional<uint64_t> folded_version_;
  std::map<int64_t, std::unique_ptr<Executable>> executables_;
};

}  // namespace resnet
