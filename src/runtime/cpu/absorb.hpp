// What a kernel takes over from the nodes behind it while its result is at hand: each saves reading and writing the
// whole image once more. The nodes' order decides, so recomputed nodes are joined alike.
#pragma once

#include "runtime/cpu/lowering.hpp"

#include <optional>

namespace resnet::cpu {

/// Where the result of a batch norm goes: with the residual addition behind it, if that is its only reader and the
/// other summand lies in `layout` already.
struct NormTarget {
  Value y;
  Buffer residual = {};
  bool relu = false;
};
NormTarget absorb_residual(Value y, bool relu, Layout layout, Lowering& to);

/// The max pooling that alone reads the result of a batch norm: what lies between them, the largest image of a ResNet
/// for ImageNet, is neither written nor read. (Their gradients stay apart: both passes of batch norm's would ask each
/// pixel for its windows, which takes longer than reading it.)
struct PooledResult {
  PoolSizes sizes;  // all lines
  Buffer y, positions;

  int64_t x_plane() const { return sizes.height * sizes.width * sizes.pixel; }
  int64_t y_plane() const { return sizes.out_height * sizes.out_width * sizes.pixel; }

  /// Normalises and pools a blocked plane of x, of whose channels the first `present` are no padding.
  template <class T>
  void compute(const ImageKernels<T>& kernels, const Memory& memory, Buffer x, int64_t plane, const PoolNorm& norm,
               int64_t present) const {
    int32_t* taken = memory.at<int32_t>(positions) + plane * y_plane();
    kernels.max_pool(sizes, memory.at<T>(x) + plane * x_plane(), &norm, memory.at<T>(y) + plane * y_plane(), taken);
    for (int64_t lane = present; lane < sizes.pixel; ++lane)
      for (int64_t i = lane; i < y_plane(); i += sizes.pixel) taken[i] = 0;
  }
};
std::optional<PooledResult> absorb_max_pool(Value y, bool relu, Layout layout, Lowering& to);

/// What becomes of the gradient of a convolution's input: it is added to that of another reader of x, then the ReLU
/// that computed x masks it. Each is done at once if the nodes that do it read nothing but what lies in `layout`.
struct GradientTarget {
  Value dx;
  Buffer residual = {}, mask = {};
};
GradientTarget absorb_gradient(Value dx, Layout layout, Lowering& to);

}  // namespace resnet::cpu
