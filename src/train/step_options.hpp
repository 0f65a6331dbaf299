// How a training step is computed, apart from what it computes.
#pragma once

#include "graph/passes.hpp"

#include <string>

namespace resnet {

struct StepOptions {
  Precision precision = Precision::fp32;
  bool low_memory = false;  // batch norms and ReLUs are computed again in the backward pass; the bits stay the same
  bool operator==(const StepOptions&) const = default;
};

/// Of "fp32", "bf16" or "auto", which is bf16 where the processor computes in it faster than in fp32; whether a given
/// training step does, faster_precision() knows. Error (usage): bf16, and it cannot run here.
Precision resolved_precision(const std::string& precision);

}  // namespace resnet
