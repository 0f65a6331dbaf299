// `resnet bench --layers --candidates`: every implementation that a convolution could have, measured beside the one
// that the shipped table gives it (runtime/cpu/choice).
#pragma once

#include "cli/bench_layers.hpp"

namespace resnet::cli {

/// Runs the step once with the shipped table and once with each kind of implementation wherever it applies, for a part
/// of `bench.seconds` each, and prints for each kind of convolution the times, which one ships, and which is fastest.
void show_candidates(const LayersRequest& request);

}  // namespace resnet::cli
