// The instruction sets for which kernels are compiled (every file under an isa/ folder, once for each), and which of
// them this processor has. One place, so that all kernels of a program stand on the same level.
#pragma once

#include <array>
#include <string_view>

namespace resnet {

/// Ascending: each holds those before it. avx2 and avx512 are what -march=x86-64-v3 and -v4 let a compiler use.
enum class InstructionSet { baseline, avx2, avx512 };

inline constexpr std::array instruction_sets = {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512};

/// "baseline", "avx2", "avx512"
std::string_view name_of(InstructionSet set);

/// Whether this processor, and this system's saving of its registers, can run such code.
bool runs_here(InstructionSet set);

/// The highest one that runs here.
InstructionSet best_instruction_set();

}  // namespace resnet
