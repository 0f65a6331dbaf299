#include "train/step_options.hpp"

#include "base/error.hpp"
#include "runtime/executable.hpp"

namespace resnet {

Precision resolved_precision(const std::string& precision) {
  const CpuBackendInfo cpu = cpu_backend_info();
  if (precision == "bf16" && !cpu.bf16)
    fail_usage("--precision: bf16 needs a processor with AVX-512, which this one has not; use fp32");
  return precision == "bf16" || (precision == "auto" && cpu.fast_bf16) ? Precision::bf16 : Precision::fp32;
}

}  // namespace resnet
