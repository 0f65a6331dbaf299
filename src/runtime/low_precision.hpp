// Where a graph whose images are in bf16 pays.
#pragma once

#include "graph/graph.hpp"

namespace resnet {

/// Whether the CPU backend computes this graph, whose images are in bf16, faster than the same one in f32.
bool is_faster_in_bf16(const Graph& graph);

}  // namespace resnet
