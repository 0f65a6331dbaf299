// Convolution of bf16 images that lie channels-last, [N][H * W][C], for processors with AMX: for inference of any
// batch, a single image too. (Batch-inner images, which training prefers, need sixteen.)
//
// A tile's 16 rows are 16 positions that follow one another, its 64 bytes 32 channels of one. So that a tap is nothing
// but an offset, a band of the image is first gathered into planes of 64-byte lines with the padding in them: one plane
// for each 32 channels and each phase of the stride, `columns` positions wide. Output position (r, c) is line
// r * columns + c of every plane, plus the tap's offset; the columns past the output's width give sums that nobody
// reads. With few channels a line holds as many neighbouring pixels as fit, that is, several taps of a kernel's row.
// Every load is one aligned KiB; loads across cache lines would take six times as long.
#pragma once

#include "base/bfloat16.hpp"
#include "runtime/cpu/kernels.hpp"

#include <cstddef>
#include <cstdint>

namespace resnet::cpu::amx {

inline constexpr int64_t line_bytes = 64;
inline constexpr int64_t line_channels = 32;

/// One group of channels. Pixels and images are counted in elements from one to the next.
struct ChannelsLast {
  int64_t height = 0, width = 0, channels = 0, x_pixel = 0, x_image = 0;
  int64_t out_height = 0, out_width = 0, out_channels = 0, y_pixel = 0, y_image = 0;
  int stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0;
  bool planar = false;  // x is row-major [C][H][W], of at most 4 channels

  bool direct = false;  // x is read where it lies (1x1, stride 1): one row of out_width positions, all images' pixels
  int64_t slot = line_channels, steps = 1;  // channels of a pixel in a line; lines for each position
  int phases_h = 1, phases_w = 1;           // of the strides', those that some tap reads
  int64_t band = 0, rows = 0, columns = 0;  // output rows at a time; rows and columns of a plane
  bool tall = false;                        // 64 positions x 16 channels at a time; else 32 x 32
  bool weights_first = false;               // all positions with some weights, then the next weights
  const int64_t* taps = nullptr;            // bytes from a position's first line to the line of each product
  int64_t products = 0;                     // how many

  int64_t share() const { return tall ? 16 : 32; }  // output channels that are computed at a time
  int64_t lines() const { return rows * columns; }  // of a plane
  int64_t gathered_bytes() const { return phases_h * phases_w * steps * lines() * line_bytes; }
  /// Of an image's row with its padding, when a line holds several pixels.
  int64_t row_bytes() const {
    const int64_t read = columns * stride_w + phases_w, written = pad_left + width + 16;
    return ((read > written ? read : written) + line_channels / slot) * slot * 2 / line_bytes * line_bytes +
           2 * line_bytes;
  }
  /// Tiles may reach past the last line.
  int64_t scratch_bytes() const { return direct ? 0 : gathered_bytes() + 64 * line_bytes + row_bytes(); }
};

/// Images, output rows (positions where x is read directly) and shares of the output channels.
struct ChannelsLastPart {
  int64_t image_begin = 0, image_end = 0, row_begin = 0, row_end = 0, share_begin = 0, share_end = 0;
};

struct ChannelsLastFinish {
  const float* bias = nullptr;
  const BFloat16* residual = nullptr;  // laid out as y
  bool relu = false;
};

/// Pointers at the group's first channel. Weights are packed as [share][product][blocks of 16 outputs][16 pairs of
/// channels][16 outputs][2]; a last share of 32 may have one block.
void convolve(const ChannelsLast& shape, const ChannelsLastPart& part, const BFloat16* x, const std::byte* weights,
              BFloat16* y, const ChannelsLastFinish& finish, std::byte* scratch);

/// One row of the output, of images with `channels` in a pixel.
void max_pool_row(const PoolSizes& sizes, int64_t row, int64_t channels, const BFloat16* x, BFloat16* y);

/// Means over pixels that are `pixel` elements apart.
void mean_pixels(const BFloat16* x, BFloat16* y, int64_t pixels, int64_t pixel, int64_t channels);

}  // namespace resnet::cpu::amx
