// One step of a network as `resnet bench --layers` takes it apart.
#pragma once

#include "cli/measure.hpp"
#include "graph/graph.hpp"
#include "runtime/executable.hpp"

#include <memory>
#include <vector>

namespace resnet::cli {

/// A step of training or inference with its state, ready to run.
struct CompiledStep {
  Graph graph;
  State state;
  std::unique_ptr<Executable> executable;
};

std::unique_ptr<CompiledStep> compiled_step(const BenchCase& bench, const CompileOptions& options);

/// Seconds of each of the program's steps, medians over three runs and as many more as fit into `seconds`.
std::vector<double> median_seconds(Executable& executable, double seconds);

}  // namespace resnet::cli
