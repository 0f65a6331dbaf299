// Which copy of the kernels runs here. oneDNN's blocked formats must have the same block, so its own limit
// (ONEDNN_MAX_CPU_ISA) counts too.
#include "base/instruction_sets.hpp"
#include "runtime/cpu/compat.hpp"
#include "runtime/cpu/kernels.hpp"
#include "runtime/executable.hpp"

#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

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
namespace avx512_bf16 {
const Kernels& kernels();
}
#endif

namespace {

#if defined(__x86_64__)
bool allowed_by_onednn(dnnl::cpu_isa set) {
  // The numbers of the instruction sets are bit sets, each holding those of its predecessors.
  const auto wanted = static_cast<unsigned>(set);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}
#endif

// Without the processor's own products of bf16 numbers, convolutions in bf16 are slower than those in f32.
bool has_fast_bf16() {
#if defined(__x86_64__)
  return runs_here(InstructionSet::avx512) && __builtin_cpu_supports("avx512bf16") &&
         allowed_by_onednn(dnnl::cpu_isa::avx512_core_bf16);
#else
  return false;
#endif
}

#if defined(__x86_64__)
// The processor has tiles of bf16, the system saves their registers, and grants them to this process.
bool has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned amx_bf16 = 1U << 22, amx_tile = 1U << 24;
  if (!has_fast_bf16() || !allowed_by_onednn(dnnl::cpu_isa::avx512_core_amx)) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & amx_bf16) == 0 || (d & amx_tile) == 0) return false;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, of asm/prctl.h since Linux 5.16
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

Kernels avx512_kernels() {
  Kernels table = avx512::kernels();
  table.amx = has_amx();
  if (table.amx) table.isa = "amx";
  if (has_fast_bf16()) table.bf16 = avx512_bf16::kernels().bf16;
  return table;
}
#endif

}  // namespace

const Kernels& best_kernels() {
#if defined(__x86_64__)
  if (runs_here(InstructionSet::avx512) && allowed_by_onednn(dnnl::cpu_isa::avx512_core)) {
    static const Kernels table = avx512_kernels();
    return table;
  }
  if (runs_here(InstructionSet::avx2) && allowed_by_onednn(dnnl::cpu_isa::avx2)) return avx2::kernels();
#endif
  return baseline::kernels();
}

namespace {

// oneDNN has bf16 convolutions from AVX-512 on.
bool has_bf16() { return best_kernels().block == 16; }

}  // namespace

}  // namespace resnet::cpu

namespace resnet {

CpuBackendInfo cpu_backend_info() {
  static const std::string onednn = [] {
    const dnnl::version_t* version = dnnl::version();
    return std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch);
  }();
  return {cpu::best_kernels().isa, onednn.c_str(), cpu::has_bf16(), cpu::has_fast_bf16()};
}

}  // namespace resnet
