// Own kernels on bf16 images for processors with AMX (Intel's matrix tiles). These files alone are compiled for that
// instruction set, and nothing in them runs unless Kernels::amx.
//
// Images lie "batch-inner": [N / 16][H * W][pairs][16 images][2 channels] with pairs = ceil(C / 2). A row of 64 bytes
// is one pair of channels in 16 images; the rows of a pixel, and of pixels beside each other, follow one another. So 16
// rows, from any pixel on, are what the tile unit takes as its second factor [32 channels][16 images], and every tile
// that is loaded is one aligned KiB: a row that crossed cache lines would take six times as long. The 16 lanes of a
// vector are images, so borders, strides and few channels cost nothing more. Tiles may reach into the next pixel, with
// zero weights: where that holds an infinity or a NaN, the result is one too.
#pragma once

#include "base/bfloat16.hpp"
#include "runtime/cpu/kernels.hpp"

#include <cstddef>
#include <cstdint>

namespace resnet::cpu::amx {

inline constexpr int64_t images_in_row = 16;
inline constexpr int64_t row_bytes = 64;
inline constexpr int64_t tile_bytes = 1024;

/// Bytes from one row of pixels, one pixel, one group of 16 images to the next.
struct Strides {
  int64_t line = 0, pixel = 0, group = 0;
};

// --- convolution and the gradient of its input --------------------------------------------------------------------
// Both are sums over taps of W x, where the taps of one kernel row that meet the image read pixels beside each other:
// one product whose inner dimension is taps x channels.

/// What an output column reads in a line: `steps` tiles from input column `column` on, with weights from tile `tile`.
struct Span {
  int32_t column = 0, tile = 0, steps = 0;
};
/// A line of the input that an output line reads, and with which row of the kernel.
struct Line {
  int32_t line = 0, kernel_row = 0;
};

struct Correlation {
  Strides x, y;
  int64_t weights_block = 0, weights_row = 0;  // bytes from one block of 16 output channels, one kernel row to the next
  int64_t x_bytes = 0;                         // of all images; tiles that reach further are filled with zeros
  bool ragged = false;                         // whether tiles may reach further
  int width = 0;                               // of the output
  const Span* spans = nullptr;                 // by output column
  const Line* lines = nullptr;  // output line i reads lines[first_line[i]] .. lines[first_line[i + 1] - 1]
  const int32_t* first_line = nullptr;
};

/// A part of the output: groups of 16 images, lines, blocks of 16 channels.
struct CorrelationPart {
  int64_t group_begin = 0, group_end = 0, line_begin = 0, line_end = 0, block_begin = 0, block_end = 0;
};

/// What happens to sums before they are rounded and stored.
struct Finish {
  const float* bias = nullptr;          // [O]
  const std::byte* residual = nullptr;  // laid out as y
  const std::byte* mask = nullptr;      // laid out as y: where it is not positive, the result is zero
  bool relu = false;
  double* moments = nullptr;  // [O][2]: mean, and sum of squares about it, of the part's values as stored
};

void correlate(const Correlation& correlation, const CorrelationPart& part, const std::byte* x,
               const std::byte* weights, std::byte* y, const Finish& finish);

/// Weights [O,I,kh,kw] as tiles [block][kernel row][tile][16 outputs][32 inputs of the sum].
struct WeightPacking {
  int64_t output_stride = 0, input_stride = 0;  // elements from one output and one input channel to the next
  int64_t outputs = 0, inputs = 0;  // `inputs` as in the array that is read; those past `real_inputs` are zero
  int64_t real_inputs = 0;
  int kernel_rows = 0, kernel_width = 0, row_tiles = 0;
  const int32_t* taps = nullptr;  // [row_tiles * 32]: column of the kernel * inputs + input channel, or -1 for zero
};
/// Blocks of 16 outputs [begin, end).
void pack_weights(const WeightPacking& packing, const float* weights, std::byte* packed, int64_t begin, int64_t end);

// --- gradient of the weights --------------------------------------------------------------------------------------

struct WeightGradient {
  Strides x, dy;
  int64_t height = 0, width = 0;          // of x
  int64_t out_height = 0, out_width = 0;  // of dy
  int64_t groups = 0;                     // of 16 images
  int64_t channels = 0;                   // of x, as a task takes them: a multiple of 16, or 4
  int64_t blocks = 0;                     // of 16 output channels, as a task takes them
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0;
  int64_t band = 1;  // lines of dy that are taken at a time

  int64_t items() const { return (kernel_w * channels + 15) / 16; }  // tiles of 16 rows (tap, channel) per kernel row
  int64_t bands() const { return (out_height + band - 1) / band; }
  int64_t units() const { return (groups + 1) / 2 * bands(); }  // pairs of groups x bands
  int64_t padded_width() const { return (out_width - 1) * stride_w + kernel_w; }
  int64_t ring() const { return (band - 1) * stride_h + kernel_h; }  // lines of x that are kept
  int64_t x_line_bytes() const { return padded_width() * channels * row_bytes; }
  int64_t dy_line_bytes() const { return out_width * blocks * tile_bytes; }
  int64_t scratch_bytes() const { return ring() * x_line_bytes() + tile_bytes + band * dy_line_bytes(); }
  int64_t sum_bytes() const { return kernel_h * items() * blocks * tile_bytes; }
};

/// Sums over the units [begin, end) as tiles [kernel row][item][block][16 rows (tap, channel)][16 outputs].
void weight_gradient(const WeightGradient& gradient, int64_t begin, int64_t end, const std::byte* x,
                     const std::byte* dy, float* sums, std::byte* scratch);

/// Where the gradients of a task stand in dw [O,inputs,kh,kw].
struct GradientPlace {
  int64_t first_input = 0, first_output = 0, inputs = 0;
};
/// Adds the lanes' sums (`lane` floats apart) of one block of 16 outputs and writes them to dw.
void add_gradients(const WeightGradient& gradient, const float* sums, int64_t lanes, int64_t lane, int64_t block,
                   float* dw, const GradientPlace& place);

// --- batch norm ---------------------------------------------------------------------------------------------------
// Over `pixels` of all channels that lie one after the other. Arrays of channels have 2 * pairs elements.

struct Pixels {
  int64_t pixels = 0, pairs = 0;
};
void moments(const Pixels& size, const BFloat16* x, double* moments);  // [2 * pairs][2]: mean, squares about it
/// y = x scale + shift (+ residual), then ReLU if `relu`.
void normalise(const Pixels& size, const BFloat16* x, const BFloat16* residual, BFloat16* y, const float* scale,
               const float* shift, bool relu);
/// What normalise() gives with `relu`, at once pooled (the lines of y that `sizes` says, of one group of 16 images);
/// only windows that can_normalise_and_pool(). `scratch` holds pool_scratch_bytes().
inline constexpr int max_pool_taps = 16;
bool can_normalise_and_pool(const PoolSizes& sizes);
int64_t pool_scratch_bytes(const PoolSizes& sizes);
void normalise_and_pool(const PoolSizes& sizes, const BFloat16* x, const float* scale, const float* shift, BFloat16* y,
                        int32_t* positions, std::byte* scratch);
struct NormTerms {
  const float *mean, *scale, *shift;
  bool relu;
};
/// [2 * pairs][2]: sums of dy and of dy (x - mean), dy masked by x scale + shift > 0 if `relu`.
void gradient_sums(const Pixels& size, const BFloat16* x, const BFloat16* dy, const NormTerms& terms, double* sums);
/// dx = scale dy + slope (x - mean) + offset
void norm_gradient(const Pixels& size, const BFloat16* x, const BFloat16* dy, BFloat16* dx, const NormTerms& terms,
                   const float* slope, const float* offset);

// --- layouts and pooling ------------------------------------------------------------------------------------------

/// 16 images [C][pixels] of floats, `image` elements apart, from pixel `begin` to `end`.
void pack_images(const float* x, int64_t image, int64_t channels, int64_t pixels, int64_t begin, int64_t end,
                 BFloat16* y);

// --- ceilings -----------------------------------------------------------------------------------------------------

/// 4 products of tiles in each round, of 16 x 16 x 32 multiply-adds each, all in registers; from 32 numbers.
float multiply_tiles(const float* numbers, int64_t rounds);

}  // namespace resnet::cpu::amx
