// The whole training step as one compiled graph: forward, loss, backward, running statistics, update.
#pragma once

#include "data/loader.hpp"
#include "graph/graph.hpp"
#include "models/model.hpp"
#include "runtime/executable.hpp"
#include "train/recipe.hpp"
#include "train/step_options.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace resnet {

/// loss_graph -> freeze -> fuse -> insert_casts -> differentiate -> add_updates -> recompute. Inputs "images"
/// [batch,C,H,W], "labels" [batch] (or, if the augmentation mixes images, "targets" [batch,classes]), "learning_rate"
/// [1] and, with dropout, "random_key" [1]; outputs "loss", "probabilities", "logits". With `observe_gradients` the
/// gradient of each parameter is the output "gradient/NAME".
Graph training_graph(const ModelSpec& spec, const Recipe& recipe, const StepOptions& options = {},
                     bool observe_gradients = false);

/// bf16 if this machine computes such a step faster with it than in fp32: on AMX that is a matter of the batch, which
/// should be a multiple of 16, and of the convolutions.
Precision faster_precision(const ModelSpec& spec, const Recipe& recipe);

class TrainingProgram {
 public:
  /// Adds what `state` lacks of the network's weights, statistics and momenta, started from `seed`.
  TrainingProgram(const ModelSpec& spec, const Recipe& recipe, const StepOptions& step, State& state, uint64_t seed,
                  const CompileOptions& options);

  struct Result {
    double loss = 0;                     // mean over the batch
    int64_t correct = 0;                 // of mixed images: the class with the larger part is found
    std::optional<std::string> culprit;  // checked steps: the first node whose result was not finite
  };
  /// One step on a whole batch; `step` keys the random numbers. A checked step computes the same bits, slowly.
  Result run(const Batch& batch, double learning_rate, int64_t step, bool checked = false);

  const Executable& executable() const { return *executable_; }
  /// A digest of the nodes and the implementations chosen for them: where it is equal, so are the bits of a step.
  std::string fingerprint() const;

 private:
  uint64_t seed_;
  bool random_ = false, soft_targets_ = false;
  std::unique_ptr<Executable> executable_;
};

}  // namespace resnet
