// Every operation a graph can hold: plain structs in one closed variant. An op is attributes only; what it does lives
// in its family's file: graph/ops (shapes, cost, gradient), runtime/reference and runtime/cpu (kernels).
// Gradients are ops like any other. Each field has a default, so that designated initialisers stay short.
#pragma once

#include "base/dtype.hpp"
#include "base/shape.hpp"

#include <cstdint>
#include <variant>

namespace resnet {

/// A window sliding over the two image axes, with its own value for each axis and each side.
struct Window {
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  int dilation_h = 1, dilation_w = 1;
  bool operator==(const Window&) const = default;
};

/// The same kernel, stride, padding and dilation on both axes and all sides.
constexpr Window square_window(int kernel, int stride = 1, int padding = 0, int dilation = 1) {
  return {kernel, kernel, stride, stride, padding, padding, padding, padding, dilation, dilation};
}

/// Output positions of a window sliding over a padded axis. In ceil mode a last, partly outside window counts if it
/// starts inside the input or its leading padding (PyTorch's rule).
int64_t window_positions(int64_t input, int kernel, int stride, int pad_before, int pad_after, int dilation,
                         bool ceil_mode = false);

// --- convolution ------------------------------------------------------------------------------------------------

/// y[n,o] = sum_i w[o,i] * x[n,i] (+ b[o]) (+ residual) (then ReLU). x [N,C,H,W], w [O,C/groups,kh,kw], b [O].
/// y has x's type; with x in bf16 the weights, which stay f32, are rounded to bf16, and the sums are f32.
/// Inputs: x, w, then b if `bias`, then the residual (shape of y) if `add`. `add` and `relu` are set by fusion for
/// inference.
struct Conv {
  Window window = {};
  int groups = 1;
  bool bias = false, add = false, relu = false;
};
/// dx from (w, dy).
struct ConvGradInput {
  Window window = {};
  int groups = 1;
  Shape input = {};  // of x
};
/// dw, in f32, from (x, dy).
struct ConvGradWeight {
  Window window = {};
  int groups = 1;
};

// --- normalisation ----------------------------------------------------------------------------------------------

/// Training batch norm (Ioffe & Szegedy 2015): y = gamma (x - mean) / sqrt(var + epsilon) + beta over N, H, W, then
/// ReLU if `relu`. Inputs x, gamma, beta; outputs y, mean [C], var [C] (biased, of this batch). Refuses a single value
/// per channel, as PyTorch does.
struct BatchNorm {
  float epsilon = 1e-5f;
  bool relu = false;
};
/// (dx, dgamma, dbeta) from (x, dy, gamma, beta, mean, var). The ReLU's mask is computed again from x by the forward
/// formula y = x * scale + shift, scale = gamma / sqrt(var + epsilon), shift = beta - mean * scale; so y need not be
/// read or kept.
struct BatchNormGrad {
  float epsilon = 1e-5f;
  bool relu = false;
};
/// The same formula with given statistics: inputs x, gamma, beta, mean, var; output y.
struct BatchNormInference {
  float epsilon = 1e-5f;
  bool relu = false;
};
/// (dx, dgamma, dbeta) from (x, dy, gamma, beta, mean, var), the statistics being constants.
struct BatchNormInferenceGrad {
  float epsilon = 1e-5f;
  bool relu = false;
};
/// running' = (1 - momentum) * running + momentum * correction * batch, from (running, batch). PyTorch's momentum;
/// correction is n / (n - 1) for the variance, 1 for the mean.
struct UpdateRunning {
  float momentum = 0.1f;
  double correction = 1;
};

// --- pointwise --------------------------------------------------------------------------------------------------

enum class UnaryKind : uint8_t { relu, leaky_relu, clip, sigmoid, affine };
/// relu: max(x, 0), derivative 0 at 0. leaky_relu: x > 0 ? x : a x. clip: min(max(x, a), b). affine: a x + b.
struct Unary {
  UnaryKind kind = UnaryKind::relu;
  float a = 0, b = 0;
};
/// dx from (y, dy): every kind's derivative is a function of its output.
struct UnaryGrad {
  UnaryKind kind = UnaryKind::relu;
  float a = 0, b = 0;
};

enum class BinaryKind : uint8_t { add, subtract, multiply, divide };
/// Two inputs of one shape; ReLU afterwards if `relu` (the end of a residual block).
struct Binary {
  BinaryKind kind = BinaryKind::add;
  bool relu = false;
};

/// y[n,c,:,:] = x[n,c,:,:] * s[n,c] (squeeze-and-excitation, Hu et al. 2018). Inputs x [N,C,H,W], s [N,C].
struct ScaleChannels {};
/// s[n,c] = sum over h, w of a * b: the gradient of ScaleChannels' scale. Inputs a, b [N,C,H,W]; output [N,C].
struct ChannelDot {};

/// y = x * keep / (1 - probability), or without the division if not `rescale`. keep is drawn per element, or per image
/// if `per_image` (stochastic depth, Huang et al. 2016), as a pure function of (key, salt, element): the same op on dy
/// is the gradient, and a recomputed node draws the same numbers. Inputs x, key ([1] i64).
struct Dropout {
  float probability = 0.5f;
  bool per_image = false;
  bool rescale = true;
  uint64_t salt = 0;
};
/// Whether element (or image) `index` is kept; both backends ask this function.
bool dropout_keeps(uint64_t key, uint64_t salt, uint64_t index, float probability);

struct Cast {
  DType to = DType::f32;
};
struct StopGradient {};
/// A constant of the given shape and type; no inputs.
struct Fill {
  Shape shape = {};
  DType dtype = DType::f32;
  double value = 0;
};

// --- shape ------------------------------------------------------------------------------------------------------

/// The same elements in another shape.
struct Reshape {
  Shape shape = {};
};
/// Along the channels (axis 1). Any number of inputs.
struct Concat {};
/// Channels begin .. end - 1.
struct Slice {
  int64_t begin = 0, end = 0;
};
/// dy put back among zeros: channels begin .. begin + dy's of `channels`. The gradient of Slice.
struct SliceGrad {
  int64_t begin = 0, channels = 0;
};
/// Shortcut option A (He et al. 2015, 3.3): every stride-th pixel of each axis, and zero channels before and after.
struct Subsample {
  int stride = 2;
  int64_t before = 0, after = 0;
};
/// dx from dy. `input` is x's shape.
struct SubsampleGrad {
  int stride = 2;
  int64_t before = 0;
  Shape input = {};
};

/// The same elements with the axes in another order: axis i of y is axis order[i] of x.
struct Transpose {
  Shape order = {};
};
/// x repeated along the axes on which its extent is 1; y has shape `shape`, of x's rank.
struct Broadcast {
  Shape shape = {};
};
/// Sum, or mean, over the axes on which `shape`, of x's rank, has the extent 1. y has shape `shape`.
struct Reduce {
  Shape shape = {};
  bool mean = false;
};
/// Every step-th element from `begin` on, for each axis: y[i] = x[begin + i * step]. A step may be negative.
struct StridedSlice {
  Shape begin = {}, step = {}, shape = {};  // one number for each axis; shape is y's
};
/// The reverse: y is `value` everywhere but y[begin + i * step] = x[i]. Step 1 pads; the gradient of StridedSlice
/// spreads.
struct Pad {
  Shape begin = {}, step = {}, shape = {};
  double value = 0;
};

// --- pooling ----------------------------------------------------------------------------------------------------

/// Outputs y and the i32 position h * W + w inside the image of each maximum (the first one among equals).
struct MaxPool {
  Window window = {};
  bool ceil_mode = false;
};
/// dx from (positions, dy).
struct MaxPoolGrad {
  Window window = {};
  Shape input = {};
};
/// Divides by the window's size: with count_include_pad the part inside input plus padding (PyTorch's rule in ceil
/// mode), without it the part inside the input.
struct AveragePool {
  Window window = {};
  bool ceil_mode = false;
  bool count_include_pad = true;
};
/// dx from dy.
struct AveragePoolGrad {
  Window window = {};
  bool count_include_pad = true;
  Shape input = {};
};
/// Mean over the image: [N,C,H,W] -> [N,C,1,1].
struct GlobalAveragePool {};
/// dx from dy [N,C,1,1].
struct GlobalAveragePoolGrad {
  Shape input = {};
};

// --- linear -----------------------------------------------------------------------------------------------------

/// y = x w^T (+ b). x [N,I], w [O,I], b [O]. Inputs x, w, then b if `bias`.
struct Linear {
  bool bias = true;
};
/// dx from (w, dy).
struct LinearGradInput {};
/// dw from (x, dy).
struct LinearGradWeight {};
/// Sum over all axes but the channels, in f32: [N,C,...] -> [C]. The gradient of a bias.
struct SumChannels {};

/// Products of stacked matrices: a [...,M,K], b [...,K,N], y [...,M,N], with equal leading extents.
struct MatMul {};

// --- loss -------------------------------------------------------------------------------------------------------

/// Over the channels of [N,C]; its logarithm if `log`.
struct Softmax {
  bool log = false;
};
/// dx from (y, dy).
struct SoftmaxGrad {
  bool log = false;
};
/// Mean over the batch of -sum_k q_k log softmax(logits)_k, q = (1 - smoothing) target + smoothing / K.
/// Inputs logits [N,K] and targets: i32 classes [N], or soft f32 [N,K]. Outputs loss [1] and probabilities [N,K].
/// A class outside 0 .. K-1 is a target of zeros: such an image adds nothing to loss and gradient (without smoothing)
/// and still counts in the mean. Whoever reads labels checks them; no kernel does.
struct CrossEntropy {
  float smoothing = 0;
};
/// dlogits from (probabilities, targets, dloss [1]).
struct CrossEntropyGrad {
  float smoothing = 0;
};

// --- update -----------------------------------------------------------------------------------------------------

/// PyTorch's SGD: g = dw + weight_decay w; v' = momentum v + g; w' = w - rate (nesterov ? g + momentum v' : v').
/// Inputs w, dw, v, rate ([1]); outputs w', v'. rate is multiplied by `rate_scale`.
struct Sgd {
  float momentum = 0.9f;
  float weight_decay = 0;
  float rate_scale = 1;
  bool nesterov = false;
};

using Op =
    std::variant<Conv, ConvGradInput, ConvGradWeight, BatchNorm, BatchNormGrad, BatchNormInference,
                 BatchNormInferenceGrad, UpdateRunning, Unary, UnaryGrad, Binary, ScaleChannels, ChannelDot, Dropout,
                 Cast, StopGradient, Fill, Reshape, Concat, Slice, SliceGrad, Subsample, SubsampleGrad, Transpose,
                 Broadcast, Reduce, StridedSlice, Pad, MaxPool, MaxPoolGrad, AveragePool, AveragePoolGrad,
                 GlobalAveragePool, GlobalAveragePoolGrad, Linear, LinearGradInput, LinearGradWeight, SumChannels,
                 MatMul, Softmax, SoftmaxGrad, CrossEntropy, CrossEntropyGrad, Sgd>;

}  // namespace resnet
