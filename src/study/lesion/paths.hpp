// How much gradient comes through the paths of each length: a network of n residual blocks has 2^n paths from its input
// to its output, since each block is passed through its branch or through its shortcut (Veit et al. 2016, section 5).
#pragma once

#include "base/parallel.hpp"
#include "models/model.hpp"
#include "runtime/executable.hpp"
#include "runtime/state.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace resnet {

/// A graph with the outputs "loss" (a mean over images) and an input "images", whose gradient then takes one path for
/// each image. Block i has the inputs "gate/i/branch" and "gate/i/shortcut" ([N, C], of the block's input): the
/// gradient through the branch, or the shortcut, of each image is multiplied by them, while the values that run forward
/// stay as they are to the bit. Output "gradient": of each image's own loss by its pixels. `blocks` becomes their
/// number.
Graph path_graph(const Graph& loss, std::size_t& blocks);

class PathGradients {
 public:
  /// Batch norm with its running statistics, so that images do not mix and each has a path of its own. `state` must
  /// outlive this. Error (usage): the network has no residual blocks.
  PathGradients(const ModelSpec& spec, State& state, int64_t batch, const CompileOptions& options);

  std::size_t blocks() const { return blocks_; }
  /// |dL/dx| of each image through the path that takes the branches of `through[image]`, [N][blocks]. Images
  /// [N,C,H,W], labels i32 [N], N the batch.
  std::vector<double> run(const Tensor& images, const Tensor& labels, std::span<const std::vector<bool>> through);
  /// The gradients themselves, after a run: [N,C,H,W].
  Tensor gradients() const { return program_->output("gradient"); }

 private:
  std::size_t blocks_ = 0;
  std::vector<int64_t> channels_;  // of each block's input
  std::unique_ptr<Executable> program_;
};

/// Logarithm of the number of paths of that length, log C(blocks, length).
double log_paths(std::size_t blocks, std::size_t length);

}  // namespace resnet
