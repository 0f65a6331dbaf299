#include "base/instruction_sets.hpp"

namespace resnet {
namespace {

#if defined(__x86_64__)
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
bool has_avx2() { return false; }
bool has_avx512() { return false; }
#endif

}  // namespace

std::string_view name_of(InstructionSet set) {
  constexpr std::array<std::string_view, instruction_sets.size()> names = {"baseline", "avx2", "avx512"};
  return names[static_cast<std::size_t>(set)];
}

bool runs_here(InstructionSet set) {
  if (set == InstructionSet::avx512) return has_avx512();
  return set == InstructionSet::baseline || has_avx2();
}

InstructionSet best_instruction_set() {
  for (auto set = instruction_sets.rbegin(); set != instruction_sets.rend(); ++set)
    if (runs_here(*set)) return *set;
  return InstructionSet::baseline;
}

}  // namespace resnet
