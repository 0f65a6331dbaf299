// One measurement of `resnet bench`, made in a process of its own so that its peak memory is its own.
#pragma once

#include "cli/output.hpp"
#include "data/loader.hpp"
#include "models/model.hpp"
#include "train/recipe.hpp"
#include "train/step_options.hpp"

#include <cstdint>
#include <string>

namespace resnet::cli {

struct BenchCase {
  std::string model = "resnet20", mode = "train";
  StepOptions step;
  int64_t batch = 128;
  int threads = 1;
  double seconds = 5;
  uint64_t seed = 0;
};

/// What a training step is measured with.
Recipe bench_recipe(int64_t batch);

/// Noise as images, and labels in turn.
Batch synthetic_batch(const ModelSpec& spec, int64_t size, uint64_t seed);

/// Warms up, then runs for `seconds` and at least five steps; one row of the results.
Json measure(const BenchCase& bench);

/// The same in a child process. Error: the child failed, with its exit code (5 if the system killed it).
Json measure_in_child(const BenchCase& bench);

}  // namespace resnet::cli
