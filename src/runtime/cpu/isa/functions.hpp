// The kernels of one instruction set, declared for its table.
#pragma once

#include "runtime/cpu/isa/vector.hpp"
#include "runtime/cpu/kernels.hpp"

namespace resnet::cpu::RESNET_ISA {

// layout.cpp
void to_blocked(const float* x, float* y, int64_t channels, int64_t pixels);
void from_blocked(const float* x, float* y, int64_t channels, int64_t pixels);
void zero_padding(float* x, int64_t channels, int64_t pixels);
void copy_lanes(const LaneCopy& copy, const float* x, float* y);

// norm.cpp
void moments(const Planes& planes, const float* x, double* mean, double* squares);
void normalise(const Planes& planes, const float* x, float* y, const float* scale, const float* shift, bool relu);
void gradient_sums(const Planes& planes, const float* x, const float* dy, const float* mean, const float* scale,
                   const float* shift, bool relu, double* sum_dy, double* sum_dy_x);
void norm_gradient(const Planes& planes, const float* x, const float* dy, float* dx, const float* mean,
                   const float* scale, const float* shift, const float* slope, const float* offset, bool relu);

// pointwise.cpp
void unary(const Unary& op, const float* x, float* y, int64_t count);
void unary_gradient(const UnaryGrad& op, const float* y, const float* dy, float* dx, int64_t count);
void binary(const Binary& op, const float* a, const float* b, float* y, int64_t count);
void scale_plane(const float* x, const float* scale, float* y, int64_t pixels);
void fill_plane(const float* value, float* y, int64_t pixels);
void dot_planes(const Planes& planes, const float* a, const float* b, double* sum);

// flat.cpp
void sum_lanes(const float* x, int64_t stride, int lanes, float* y, int64_t count);
void sgd(const Sgd& op, float rate, const float* w, const float* dw, const float* v, float* new_w, float* new_v,
         int64_t count);
void small_linear(const float* x, const float* w, const float* bias, float* y, int64_t rows, int64_t inputs,
                  int64_t outputs, int64_t y_stride);

// pool.cpp
void max_pool(const PoolSizes& sizes, const float* x, float* y, int32_t* positions);
void max_pool_gradient(const PoolSizes& sizes, const int32_t* positions, const float* dy, float* dx);
void average_pool(const PoolSizes& sizes, bool include_pad, const float* x, float* y);
void average_pool_gradient(const PoolSizes& sizes, bool include_pad, const float* dy, float* dx);

// table.cpp
const Kernels& kernels();

}  // namespace resnet::cpu::RESNET_ISA
