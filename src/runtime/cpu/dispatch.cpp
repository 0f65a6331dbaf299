// Which copy of the kernels runs here. oneDNN's blocked formats must have the same block, so its own limit
// (ONEDNN_MAX_CPU_ISA) counts too.
#include "runtime/cpu/compat.hpp"
#include "runtime/cpu/kernels.hpp"
#include "runtime/executable.hpp"

#include <string>

namespace resnet::cpu {

namespace baseline {
const Kernels& kernels();
}
#if defined(__x86_64__)
namespace avx2 {
const Kernels& kernels();
}
namespace avx512 {
const Kernels& kernels();
}
#endif

const Kernels& best_kernels() {
#if defined(__x86_64__)
  const dnnl::cpu_isa allowed = dnnl::get_effective_cpu_isa();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  // The numbers of the instruction sets are bit sets, each holding those of its predecessors.
  const auto includes = [allowed](dnnl::cpu_isa isa) {
    return (static_cast<unsigned>(allowed) & static_cast<unsigned>(isa)) == static_cast<unsigned>(isa);
  };
  if (has_avx512 && includes(dnnl::cpu_isa::avx512_core)) return avx512::kernels();
  if (has_avx2 && includes(dnnl::cpu_isa::avx2)) return avx2::kernels();
#endif
  return baseline::kernels();
}

}  // namespace resnet::cpu

namespace resnet {

CpuBackendInfo cpu_backend_info() {
  static const std::string onednn = [] {
    const dnnl::version_t* version = dnnl::version();
    return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  }();
  return {cpu::best_kernels().isa, onednn.c_str()};
}

}  // namespace resnet
