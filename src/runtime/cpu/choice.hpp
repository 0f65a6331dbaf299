// Which of oneDNN's algorithms or own kernels a convolution gets: decided by instruction set and shape from
// measurements made once, never by a timing on the user's machine, so that equal inputs give equal bits.
#pragma once

#include "base/dtype.hpp"
#include "graph/graph.hpp"
#include "runtime/cpu/compat.hpp"
#include "runtime/executable.hpp"

#include <cstdint>
#include <string_view>

namespace resnet::cpu {

/// One convolution primitive, as it runs inside one task.
struct ConvolutionSizes {
  int64_t images = 0;
  int64_t channels = 0, height = 0, width = 0;
  int64_t out_channels = 0, out_height = 0, out_width = 0;
  int groups = 1;
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
};

/// direct or winograd. `inference`: the weights are transformed once, not in every run.
dnnl::algorithm choose_algorithm(const ConvolutionSizes& sizes, DType type, std::string_view isa, bool inference,
                                 Convolutions wanted);

/// Output channels that a task should have at least, if they are to be cut.
int64_t least_part_channels(const ConvolutionSizes& sizes, std::string_view isa);

/// Whether own kernels on AMX take this convolution, as `conv` of images of shape `x` to shape `y`, and its gradients.
bool amx_applies(const Conv& conv, const Shape& x, const Shape& y);

/// Whether the own kernels for 1x1 take this convolution of f32 images, or with `gradient` the gradient of its input.
bool own_1x1_applies(const Conv& conv, const Shape& x, const Shape& y, DType type, bool gradient, Convolutions wanted);

/// Whether the own kernel for 3x3 takes this convolution of f32 images, where `lane` is what oneDNN would get at once.
bool own_3x3_applies(const Conv& conv, const ConvolutionSizes& lane, DType type, bool inference, Convolutions wanted);

/// Whether the images of this network should lie batch-inner: AMX is there, and nearly all multiply-adds of its
/// convolutions on bf16 images are such.
bool prefers_batch_inner(const Graph& graph);

/// Whether the bf16 images of this network should lie channels-last: an inference graph where AMX is there.
bool prefers_channels_last(const Graph& graph);

}  // namespace resnet::cpu
