// This backend's own kernels. isa/*.cpp is compiled once for each instruction set; the table of the best set that this
// machine (and oneDNN's ONEDNN_MAX_CPU_ISA) allows is chosen once per program.
//
// "Blocked" arrays are [N][ceil(C / block)][H * W][block] with zeros in the channels past C, which every kernel keeps.
// A "plane" is the [H * W][block] part of one image and channel block. In batch-inner arrays (amx/kernels.hpp) `block`
// lanes of all pixels of a group of images are a plane, too, whose pixels lie further apart.
#pragma once

#include "graph/op.hpp"

#include <cstdint>
#include <type_traits>

namespace resnet::cpu {

/// Planes of one channel block in `images` images.
struct Planes {
  int64_t images = 0, pixels = 0;
  int64_t stride = 0;  // elements from one image's plane to the next image's
  int64_t pixel = 0;   // elements from one pixel to the next; dot_planes alone takes others than `block`
};

/// Sizes of a pooling window's input and output planes, and which lines of its result a kernel computes.
struct PoolSizes {
  int64_t height = 0, width = 0, out_height = 0, out_width = 0;
  Window window = {};
  int64_t pixel = 0;  // elements of a pixel, a multiple of `block`: in batch-inner arrays all channels of 16 images
  int64_t line_begin = 0, line_end = 0;
};

/// What becomes of a number before max pooling compares it: x scale + shift, rectified if `relu`, rounded as if it were
/// stored. `pixel` numbers each.
struct PoolNorm {
  const float* scale = nullptr;
  const float* shift = nullptr;
  bool relu = false;
};

/// Channel lanes [to_lane, to_lane + count) of one plane taken from lanes [from_lane, ...) of another, every
/// `stride`-th pixel of a [height, width] source; with `scatter` the other way round.
struct LaneCopy {
  int64_t height = 0, width = 0;  // of the larger plane
  int stride = 1;
  int from_lane = 0, to_lane = 0, count = 0;
  bool scatter = false;
};

/// A 1x1 convolution of blocked images: how it reads x and writes y. Its output positions are `rows` x `columns`;
/// without strides an image is one row. A row is computed in nearly equal tiles.
struct Convolution1x1 {
  static constexpr int64_t tile_pixels = 14;
  int64_t in_blocks = 0, out_blocks = 0;
  int64_t rows = 0, columns = 0;
  int stride = 1;                    // 1 or 2: pixels of x from what one column reads to what the next one reads
  int64_t x_row = 0;                 // elements of x from what one row reads to what the next one reads
  int64_t x_block = 0, y_block = 0;  // elements of a plane

  int64_t tiles_in_row() const { return (columns + tile_pixels - 1) / tile_pixels; }
  /// Elements of the weights of one output block, [input channels][16 output channels].
  int64_t weights_block() const { return in_blocks * 16 * 16; }
};

/// Tiles of all images, and blocks of output channels.
struct Convolution1x1Part {
  int64_t tile_begin = 0, tile_end = 0, out_begin = 0, out_end = 0;
};

/// A 3x3 convolution of blocked images with padding 1 and stride 1 or 2. Rows of y are computed in nearly equal tiles,
/// `group` output blocks at a time.
struct Convolution3x3 {
  static constexpr int64_t tile_pixels = 14, narrow_pixels = 7;
  int64_t in_blocks = 0, out_blocks = 0;
  int64_t height = 0, width = 0;  // of x
  int64_t rows = 0, columns = 0;  // of y
  int stride = 1;

  int64_t tiles_in_row() const { return (columns + tile_pixels - 1) / tile_pixels; }
  /// Blocks of output channels whose sums of one tile fit into the registers; out_blocks is a multiple.
  int64_t group() const { return columns <= narrow_pixels ? 4 : 2; }
  /// Elements of the weights of one group, [input block][3][3][16 input channels][group * 16 output channels].
  int64_t weights_group() const { return in_blocks * 9 * 16 * group() * 16; }
};

/// Rows of all images, and groups of output channels.
struct Convolution3x3Part {
  int64_t row_begin = 0, row_end = 0, group_begin = 0, group_end = 0;
};

/// What happens to sums before they are stored. Null: nothing.
struct ConvolutionFinish {
  const float* bias = nullptr;
  const float* residual = nullptr;  // laid out as y; 1x1 alone: may be y
  const float* mask = nullptr;      // 1x1 alone; laid out as y: results where it is not above 0 become 0
  bool relu = false;
};

inline constexpr int max_block = 16;
inline constexpr int64_t max_lanes = 16;
/// Vectors that Kernels::multiply_adds works on in turn.
inline constexpr int chains = 12;

/// Kernels on images whose elements are T: float, or BFloat16, which is widened when read and rounded when written.
template <class T>
struct ImageKernels {
  // One image. channels need not be a multiple of the block.
  void (*to_blocked)(const T* x, T* y, int64_t channels, int64_t pixels);
  void (*from_blocked)(const T* x, T* y, int64_t channels, int64_t pixels);
  void (*zero_padding)(T* x, int64_t channels, int64_t pixels);
  void (*copy_lanes)(const LaneCopy& copy, const T* x, T* y);

  // Batch norm of one channel block. Arrays of `block` numbers.
  void (*moments)(const Planes& planes, const T* x, double* mean, double* squares);  // squares: sum (x - mean)^2
  // y = x scale + shift, plus `residual` if that is not null, rectified if `relu`.
  void (*normalise)(const Planes& planes, const T* x, const T* residual, T* y, const float* scale, const float* shift,
                    bool relu);
  // Sums of dy and of dy (x - mean), dy masked by x scale + shift > 0 if `relu`.
  void (*gradient_sums)(const Planes& planes, const T* x, const T* dy, const float* mean, const float* scale,
                        const float* shift, bool relu, double* sum_dy, double* sum_dy_x);
  // dx = scale dy + slope (x - mean) + offset
  void (*norm_gradient)(const Planes& planes, const T* x, const T* dy, T* dx, const float* mean, const float* scale,
                        const float* shift, const float* slope, const float* offset, bool relu);

  // Flat arrays.
  void (*unary)(const Unary& op, const T* x, T* y, int64_t count);
  void (*unary_gradient)(const UnaryGrad& op, const T* y, const T* dy, T* dx, int64_t count);
  void (*binary)(const Binary& op, const T* a, const T* b, T* y, int64_t count);
  // dx + other where mask > 0, else 0; either may be null: nothing is added, nothing masked.
  void (*join_gradients)(const T* mask, const T* other, T* dx, int64_t count);
  void (*from_float)(const float* x, T* y, int64_t count);
  void (*to_float)(const T* x, float* y, int64_t count);

  // One plane, whose pixels are `pixel` elements apart; `scale` and `sum` have `block` numbers.
  void (*scale_plane)(const T* x, const T* scale, T* y, int64_t pixels, int64_t pixel);
  void (*fill_plane)(const float* value, T* y, int64_t pixels, int64_t pixel);
  void (*dot_planes)(const Planes& planes, const T* a, const T* b, double* sum);  // b null: sum of a
  // `norm` null: x as it is.
  void (*max_pool)(const PoolSizes& sizes, const T* x, const PoolNorm* norm, T* y, int32_t* positions);
  void (*max_pool_gradient)(const PoolSizes& sizes, const int32_t* positions, const T* dy, T* dx);
  void (*average_pool)(const PoolSizes& sizes, bool include_pad, const T* x, T* y);
  void (*average_pool_gradient)(const PoolSizes& sizes, bool include_pad, const T* dy, T* dx);
};

struct Kernels {
  const char* isa;
  int block;
  bool amx;  // whether the kernels of amx/kernels.hpp run here, too
  ImageKernels<float> f32;
  ImageKernels<BFloat16> bf16;
  template <class T>
  const ImageKernels<T>& of() const {
    if constexpr (std::is_same_v<T, BFloat16>)
      return bf16;
    else
      return f32;
  }

  // chains * block independent multiply-adds in each round, all in registers, from (chains + 2) * block numbers.
  float (*multiply_adds)(const float* numbers, int64_t rounds);
  // y = a + factor b
  void (*triad)(const float* a, const float* b, float factor, float* y, int64_t count);

  // Null without AVX-512. The order of a sum does not depend on the part: channels ascending, or 3x3 blocks of
  // channels, their taps, and the channels of these.
  void (*convolve_1x1)(const Convolution1x1& sizes, const Convolution1x1Part& part, const float* x,
                       const float* weights, float* y, const ConvolutionFinish& finish);
  void (*convolve_3x3)(const Convolution3x3& sizes, const Convolution3x3Part& part, const float* x,
                       const float* weights, float* y, const ConvolutionFinish& finish);

  // Flat arrays of weights and gradients.
  void (*sum_lanes)(const float* x, int64_t stride, int lanes, float* y, int64_t count);  // fixed tree over the lanes
  void (*sgd)(const Sgd& op, float rate, const float* w, const float* dw, const float* v, float* new_w, float* new_v,
              int64_t count);
  // y[r][o] = sum_i x[r][i] w[o][i] (+ b[o]); rows of y are `y_stride` apart.
  void (*small_linear)(const float* x, const float* w, const float* bias, float* y, int64_t rows, int64_t inputs,
                       int64_t outputs, int64_t y_stride);
};

/// The table to use on this machine.
const Kernels& best_kernels();

}  // namespace resnet::cpu
