// A network's state as training might have left it.
#pragma once

#include "base/random.hpp"
#include "models/model.hpp"
#include "runtime/state.hpp"

namespace resnet::test {

/// Started weights, and gammas, betas and statistics that are not those of the start.
inline State used_state(const Graph& graph) {
  State state;
  initialise(state, graph, 5);
  for (const ValueInfo& value : graph.values()) {
    if (value.kind == ValueKind::computed || value.kind == ValueKind::input || value.shape.rank() != 1) continue;
    const bool centred = value.name.ends_with("bias") || value.name.ends_with("running_mean");
    Rng rng(6, value.name);
    for (float& x : state.at(value.name).data<float>())
      x = static_cast<float>(centred ? 0.1 * rng.normal() : rng.uniform(0.5, 1.5));
  }
  return state;
}

inline State used_state(const ModelSpec& spec) { return used_state(forward_graph(spec, 1, Mode::inference)); }

}  // namespace resnet::test
