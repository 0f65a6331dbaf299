#include "runtime/cpu/choice.hpp"

#include "graph/op_functions.hpp"
#include "runtime/cpu/amx/kernels.hpp"
#include "runtime/cpu/kernels.hpp"
#include "runtime/executable.hpp"

#include <algorithm>

namespace resnet::cpu {

// oneDNN 2.6.3, fp32, one thread, GFLOP/s of direct -> Winograd F(4x4, 3x3) for forward / backward-data /
// backward-weights. The error of Winograd is about 2e-6 of the result's maximum.
//
//   shape           images   Zen 4 (AVX-512)
//   16-16@32        16       89 -> 123   121 -> 125   101 -> 158
//   32-32@16        16       128 -> 221  128 -> 224   114 -> 228
//   64-64@8         16       139 -> 244  140 -> 244   122 -> 253
//   64-64@56        4        118 -> 313  115 -> 312   103 -> 265
//   128-128@28      4        118 -> 295  119 -> 299   114 -> 290
//   256-256@14      4        126 -> 199  126 -> 194   112 -> 208
//   512-512@7       4        131 -> 104  133 -> 101   106 -> 107
//   512-64@7        32       142 -> 191  140 -> 196   116 -> 188
//
// The gain at 16 channels is lost in a training step, where activations come from a slower cache: 266 against 267 ms
// for ResNet-20 at batch 128. Sapphire Rapids (two threads): 64-64@56 up to 2x, slower than direct at 16 channels. The
// transformed weights are 36 numbers for 9, so many channels with few tiles lose.
//
// Inference, Zen 4, direct -> Winograd (F(2x2) or F(4x4), as oneDNN likes): 64-16@56 one image 119 -> 160, 64-32@56
// 119 -> 210, 128-32@28 122 -> 216, 256-32@14 129 -> 214, 32-32@16 127 -> 182, 64-64@8 138 -> 213. 512-64@7 142 -> 174
// with weights in the cache, which those of a whole network are not.
namespace {

bool winograd_applies(const ConvolutionSizes& s, std::string_view isa) {
  return (isa == "avx512" || isa == "amx") && s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 &&
         s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.channels % 16 == 0 &&
         s.out_channels % 16 == 0 && s.channels >= 32 && s.out_channels >= 32;
}

}  // namespace

dnnl::algorithm choose_algorithm(const ConvolutionSizes& s, DType type, std::string_view isa, bool inference,
                                 Convolutions wanted) {
  if (wanted == Convolutions::direct || type != DType::f32 || !winograd_applies(s, isa))
    return dnnl::algorithm::convolution_direct;
  if (wanted == Convolutions::winograd) return dnnl::algorithm::convolution_winograd;
  const int64_t tiles = s.images * ((s.out_height + 3) / 4) * ((s.out_width + 3) / 4);
  const int64_t weights = s.channels * s.out_channels;
  // 16 tiles do not repay the transformation of 512 x 512 weights, 64 do repay that of 256 x 256.
  if (weights > (inference ? 4096 : 2048) * tiles) return dnnl::algorithm::convolution_direct;
  return dnnl::algorithm::convolution_winograd;
}

int64_t least_part_channels(const ConvolutionSizes& s, std::string_view isa) {
  return winograd_applies(s, isa) ? 32 : 16;
}

bool amx_applies(const Conv& conv, const Shape& x, const Shape& y) {
  const Window& v = conv.window;
  const bool first_layer = x.c() <= 4;  // its taps x channels, as 4 channels, still fill most of a tile
  return x.n() % amx::images_in_row == 0 && conv.groups == 1 && v.dilation_h == 1 && v.dilation_w == 1 &&
         y.c() % 16 == 0 && (x.c() % 16 == 0 || (first_layer && x.c() > 2));
}

// Strides of up to 2 along a row, forward only: the gradient of a strided one is mostly zeros to be written, at which
// oneDNN is no slower.
bool own_1x1_applies(const Conv& conv, const Shape& x, const Shape& y, DType type, bool gradient, Convolutions wanted) {
  const Window& v = conv.window;
  const bool every_pixel = v.stride_h == 1 && v.stride_w == 1;
  const bool pads = v.pad_top != 0 || v.pad_left != 0 || v.pad_bottom != 0 || v.pad_right != 0;
  return wanted == Convolutions::shipped && type == DType::f32 && best_kernels().convolve_1x1 && conv.groups == 1 &&
         v.kernel_h == 1 && v.kernel_w == 1 && !pads && (every_pixel || (!gradient && v.stride_w <= 2)) &&
         x.c() % 16 == 0 && y.c() % 16 == 0;
}

// Only where Winograd does not pay: elsewhere it is faster or as fast as the own kernel (128-128@28 0.59 against 0.72
// ms, 256-256@14 0.69 each). At batch 32 the own one is as fast as oneDNN's or up to 7% faster; one image, two threads
// of a Sapphire Rapids, within ResNet-50, milliseconds of oneDNN's direct convolution -> own:
//
//   128-128@56 stride 2   1.00 -> 0.74        512-512@14 stride 2   1.29 -> 0.93
//   256-256@28 stride 2   0.99 -> 0.72        512-512@7             1.13 -> 0.82
bool own_3x3_applies(const Conv& conv, const ConvolutionSizes& s, DType type, bool inference, Convolutions wanted) {
  const Kernels& kernels = best_kernels();
  const Window& v = conv.window;
  const bool pads = v.pad_top == 1 && v.pad_left == 1 && v.pad_bottom == 1 && v.pad_right == 1;
  const bool fits = s.kernel_h == 3 && s.kernel_w == 3 && s.dilation_h == 1 && s.dilation_w == 1 && pads &&
                    s.stride_h == s.stride_w && s.stride_h <= 2 && conv.groups == 1;
  const int64_t outputs = s.out_width <= Convolution3x3::narrow_pixels ? 64 : 32;
  return wanted == Convolutions::shipped && type == DType::f32 && kernels.convolve_3x3 && fits &&
         s.channels % 16 == 0 && s.out_channels % outputs == 0 &&
         choose_algorithm(s, type, kernels.isa, inference, wanted) == dnnl::algorithm::convolution_direct;
}

bool prefers_batch_inner(const Graph& graph) {
  if (!best_kernels().amx) return false;
  int64_t suited = 0, all = 0;
  for (const Node& node : graph.nodes()) {
    const Conv* conv = std::get_if<Conv>(&node.op);
    if (!conv || graph[node.inputs[0]].dtype != DType::bf16) continue;
    const int64_t macs = cost(graph, node).macs;
    all += macs;
    if (amx_applies(*conv, graph[node.inputs[0]].shape, graph[node.outputs[0]].shape)) suited += macs;
  }
  // A convolution that is left costs a conversion there and one back.
  return all == 0 || suited * 10 > all * 9;
}

// Where images cannot lie batch-inner. One thread of a busy Sapphire Rapids, milliseconds of processor time for a
// batch, channels-last / batch-inner: ResNet-20 at 16 images 2.3 / 1.5, at 256 49 / 27; ResNet-50 at 16 229 / 229, at
// 32 476 / 452; ResNet-18 at 32 155 / 174. One image has nothing to lie beside.
bool prefers_channels_last(const Graph& graph) {
  return best_kernels().amx && graph.updates().empty() &&
         std::ranges::all_of(graph.nodes(), [](const Node& node) { return node.phase == Phase::forward; });
}

}  // namespace resnet::cpu

namespace resnet {

// oneDNN's bf16 kernels for images in blocks use the processor's products of bf16 numbers. On Sapphire Rapids those
// have half of fp32's rate (ResNet-20 at batch 128 673 images/s against 845), so there only AMX's kernels pay.
bool is_faster_in_bf16(const Graph& graph) {
  if (!cpu_backend_info().fast_bf16) return false;
  return !cpu::best_kernels().amx || cpu::prefers_batch_inner(graph) || cpu::prefers_channels_last(graph);
}

}  // namespace resnet
