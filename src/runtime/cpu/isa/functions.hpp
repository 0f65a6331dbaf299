// The kernels of one instruction set: each file fills in its part of the tables.
#pragma once

#include "runtime/cpu/isa/vector.hpp"
#include "runtime/cpu/kernels.hpp"

namespace resnet::cpu::RESNET_ISA {

// For T = float and BFloat16.
template <class T>
void add_layout(ImageKernels<T>& table);
template <class T>
void add_norm(ImageKernels<T>& table);
template <class T>
void add_pointwise(ImageKernels<T>& table);
template <class T>
void add_pool(ImageKernels<T>& table);

// convolution_1x1.cpp
void add_convolution_1x1(Kernels& table);

// convolution_3x3.cpp
void add_convolution_3x3(Kernels& table);

// flat.cpp
float multiply_adds(const float* numbers, int64_t rounds);
void triad(const float* a, const float* b, float factor, float* y, int64_t count);
void sum_lanes(const float* x, int64_t stride, int lanes, float* y, int64_t count);
void sgd(const Sgd& op, float rate, const float* w, const float* dw, const float* v, float* new_w, float* new_v,
         int64_t count);
void small_linear(const float* x, const float* w, const float* bias, float* y, int64_t rows, int64_t inputs,
                  int64_t outputs, int64_t y_stride);

// table.cpp
const Kernels& kernels();

}  // namespace resnet::cpu::RESNET_ISA
