// This instruction set's kernels as a table.
#include "runtime/cpu/isa/functions.hpp"

#define RESNET_TEXT_OF(name) #name
#define RESNET_TEXT(name) RESNET_TEXT_OF(name)

namespace resnet::cpu::RESNET_ISA {

namespace {

template <class T>
void add_all(ImageKernels<T>& table) {
  add_layout(table);
  add_norm(table);
  add_pointwise(table);
  add_pool(table);
}

Kernels make_kernels() {
  Kernels table = {};
  table.isa = RESNET_TEXT(RESNET_ISA);
  table.block = block;
  add_all(table.f32);
  add_all(table.bf16);
  add_convolution_1x1(table);
  add_convolution_3x3(table);
  table.multiply_adds = multiply_adds;
  table.triad = triad;
  table.sum_lanes = sum_lanes;
  table.sgd = sgd;
  table.small_linear = small_linear;
  return table;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels table = make_kernels();
  return table;
}

}  // namespace resnet::cpu::RESNET_ISA
