#include "data/pixel_kernels.hpp"

#include <string_view>

namespace resnet::pixels {

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

const Kernels* kernels_of(const char* isa) {
  const std::string_view name = isa;
  if (name == "baseline") return &baseline::kernels();
#if defined(__x86_64__)
  // What -march=x86-64-v3 and -v4 let the compiler use.
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  if (name == "avx2" && has_avx2) return &avx2::kernels();
  if (name == "avx512" && has_avx512) return &avx512::kernels();
#endif
  return nullptr;
}

const Kernels& best_kernels() {
  static const Kernels& best = []() -> const Kernels& {
    for (const char* isa : {"avx512", "avx2"})
      if (const Kernels* table = kernels_of(isa)) return *table;
    return baseline::kernels();
  }();
  return best;
}

}  // namespace resnet::pixels
