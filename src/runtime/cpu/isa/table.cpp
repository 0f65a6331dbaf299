// This instruction set's kernels as a table.
#include "runtime/cpu/isa/functions.hpp"

#define RESNET_TEXT_OF(name) #name
#define RESNET_TEXT(name) RESNET_TEXT_OF(name)

namespace resnet::cpu::RESNET_ISA {

const Kernels& kernels() {
  static constexpr Kernels table = {
      .isa = RESNET_TEXT(RESNET_ISA),
      .block = block,
      .to_blocked = to_blocked,
      .from_blocked = from_blocked,
      .zero_padding = zero_padding,
      .copy_lanes = copy_lanes,
      .moments = moments,
      .normalise = normalise,
      .gradient_sums = gradient_sums,
      .norm_gradient = norm_gradient,
      .unary = unary,
      .unary_gradient = unary_gradient,
      .binary = binary,
      .sum_lanes = sum_lanes,
      .sgd = sgd,
      .scale_plane = scale_plane,
      .fill_plane = fill_plane,
      .dot_planes = dot_planes,
      .max_pool = max_pool,
      .max_pool_gradient = max_pool_gradient,
      .average_pool = average_pool,
      .average_pool_gradient = average_pool_gradient,
      .small_linear = small_linear,
  };
  return table;
}

}  // namespace resnet::cpu::RESNET_ISA
