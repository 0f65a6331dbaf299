// How a training step is computed, apart from what it computes.
#pragma once

#include "graph/passes.hpp"

namespace resnet {

struct StepOptions {
  Precision precision = Precision::fp32;
  bool low_memory = false;  // batch norms and ReLUs are computed again in the backward pass; the bits stay the same
  bool operator==(const StepOptions&) const = default;
};

}  // namespace resnet
