#include "data/pixel_kernels.hpp"

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

const Kernels& kernels_of([[maybe_unused]] InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512) return avx512::kernels();
  if (set == InstructionSet::avx2) return avx2::kernels();
#endif
  return baseline::kernels();
}

const Kernels& best_kernels() {
  static const Kernels& best = kernels_of(best_instruction_set());
  return best;
}

}  // namespace resnet::pixels
