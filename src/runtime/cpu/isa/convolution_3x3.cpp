// 3x3 convolutions of blocked f32 images. The sums of up to 14 pixels x 32 or 7 x 64 output channels stay in registers
// while a few input blocks are added. Taps that meet padding are left out: at 7 x 7 pixels that is a fifth of all.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

// As for 1x1: without 32 registers the tile does not fit, and images in bf16 are none of these.
#if defined(__AVX512F__) && !defined(__AVX512BF16__)

namespace {

constexpr int64_t line = 64 / sizeof(float);
constexpr int kernel = 3;
constexpr int steps_ahead = 8;  // input channels by which loads of weights run ahead of their use

/// Some pixels of one row of y, and the input blocks that are added to their sums.
struct Tile {
  const float* x = nullptr;  // where the tap in the middle meets the first pixel
  const float* weights = nullptr;
  float* y = nullptr;
  int64_t tap_row_begin = 0, tap_row_end = kernel;  // rows of the kernel that meet the image
  bool left_edge = false, right_edge = false;       // whether the first or last pixel's outer taps meet padding
  int64_t in_blocks = 0;
  bool start = false, finish = false;  // whether these are the first or last input blocks
  const float* bias = nullptr;
  const float* residual = nullptr;
  const float* ahead = nullptr;  // the weights that are wanted next
  int64_t ahead_lines = 0;       // per tap
};

/// acc[v][h] += sum over one block's channels of weights[v] * x[h], for `Begin` <= h < `End`.
template <int H, int V, int Stride, int Begin, int End>
__attribute__((always_inline)) inline void add_tap(const float* x, const float* weights, const float* next,
                                                   Vec (&acc)[V][H]) {
  constexpr int64_t pixel = Stride * block;
  for (int c0 = 0; c0 < block; c0 += 4, x += 4, weights += 4 * V * block, next += 4 * line) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      Vec w[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const float* from = weights + (c * V + v) * block;
        w[v] = load(from);
        __builtin_prefetch(from + steps_ahead * V * block, 0, 3);
      }
      if constexpr (V == 2) __builtin_prefetch(next + c * line, 0, 3);
#pragma GCC unroll 14
      for (int h = Begin; h < End; ++h) {
        const Vec value = x[h * pixel + c] - Vec{};  // splat() has to add, for the sake of -0
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) add_product(acc[v][h], value, w[v]);
      }
    }
  }
}

template <int H, int V, int Stride>
__attribute__((always_inline)) inline void add_block(const Convolution3x3& s, const Tile& t, const float* x,
                                                     const float* weights, const float*& ahead, Vec (&acc)[V][H]) {
  for (int64_t i = t.tap_row_begin; i < t.tap_row_end; ++i) {
    for (int64_t j = 0; j < kernel; ++j) {
      for (int64_t k = 0; k < t.ahead_lines; ++k, ahead += line) __builtin_prefetch(ahead, 0, 2);
      const float* from = x + ((i - 1) * s.width + j - 1) * block;
      // Pixels of the next input block beside those of this one. Narrow images are small enough to lie near anyhow.
      const float* next = x + ((s.height + i - 1) * s.width + j * block) * block;
      const float* w = weights + (i * kernel + j) * block * V * block;
      if (j == 0 && t.left_edge)
        add_tap<H, V, Stride, 1, H>(from, w, next, acc);
      else if (j == 2 && t.right_edge)
        add_tap<H, V, Stride, 0, H - 1>(from, w, next, acc);
      else
        add_tap<H, V, Stride, 0, H>(from, w, next, acc);
    }
  }
}

template <int H, int V, int Stride>
void compute_tile(const Convolution3x3& s, const Tile& t, bool relu) {
  const int64_t plane = s.rows * s.columns * block;
  Vec acc[V][H];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
#pragma GCC unroll 14
    for (int h = 0; h < H; ++h)
      acc[v][h] = !t.start ? load(t.y + v * plane + h * block) : t.bias ? load(t.bias + v * block) : Vec{};
  }
  const float* ahead = t.ahead;
  for (int64_t b = 0; b < t.in_blocks; ++b)
    add_block<H, V, Stride>(s, t, t.x + b * s.height * s.width * block,
                            t.weights + b * kernel * kernel * block * V * block, ahead, acc);
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
#pragma GCC unroll 14
    for (int h = 0; h < H; ++h) {
      const int64_t at = v * plane + h * block;
      Vec sum = acc[v][h];
      if (t.finish && t.residual) sum += load(t.residual + at);
      store(t.y + at, t.finish && relu ? rectify(sum) : sum);
    }
  }
}

using TileFunction = void (*)(const Convolution3x3&, const Tile&, bool);

template <int V, int Stride>
constexpr TileFunction narrow_tiles[] = {
    compute_tile<1, V, Stride>, compute_tile<2, V, Stride>, compute_tile<3, V, Stride>, compute_tile<4, V, Stride>,
    compute_tile<5, V, Stride>, compute_tile<6, V, Stride>, compute_tile<7, V, Stride>};

/// Rows of more than 7 pixels, cut into pieces of up to 14, have none of fewer than 7.
template <int Stride>
constexpr TileFunction wide_tiles[] = {
    compute_tile<7, 2, Stride>,  compute_tile<8, 2, Stride>,  compute_tile<9, 2, Stride>,  compute_tile<10, 2, Stride>,
    compute_tile<11, 2, Stride>, compute_tile<12, 2, Stride>, compute_tile<13, 2, Stride>, compute_tile<14, 2, Stride>};

TileFunction tile_function(const Convolution3x3& s, int64_t pixels) {
  if (s.group() == 4) return (s.stride == 1 ? narrow_tiles<4, 1> : narrow_tiles<4, 2>)[pixels - 1];
  return (s.stride == 1 ? wide_tiles<1> : wide_tiles<2>)[pixels - Convolution3x3::narrow_pixels];
}

struct InputBlocks {
  int64_t begin = 0, end = 0;
};

/// What the tiles of one group of output channels share while some input blocks are added.
struct Pass {
  const float* x = nullptr;
  const float* weights = nullptr;  // of these input blocks
  float* y = nullptr;
  InputBlocks blocks = {};
  int64_t group = 0;
  int64_t ahead_lines = 0;  // of the weights that follow, wanted by the next pass
  int64_t lines_per_tap = 0;
  ConvolutionFinish finish = {};
};

/// The tile at columns `begin` to `end` of row `row` of all images' rows.
Tile place_tile(const Convolution3x3& s, const Pass& pass, int64_t row, int64_t begin, int64_t end) {
  const int64_t image = row / s.rows, i = row % s.rows, x_row = i * s.stride, first_out = pass.group * s.group();
  const int64_t x_plane = s.height * s.width * block, y_plane = s.rows * s.columns * block;
  const int64_t y_at = (image * s.out_blocks + first_out) * y_plane + (i * s.columns + begin) * block;
  Tile t;
  t.x = pass.x + (image * s.in_blocks + pass.blocks.begin) * x_plane + (x_row * s.width + begin * s.stride) * block;
  t.weights = pass.weights;
  t.y = pass.y + y_at;
  t.tap_row_begin = x_row == 0 ? 1 : 0;
  t.tap_row_end = x_row + 1 < s.height ? 3 : 2;
  t.left_edge = begin == 0;
  t.right_edge = (end - 1) * s.stride + 1 >= s.width;
  t.in_blocks = pass.blocks.end - pass.blocks.begin;
  t.start = pass.blocks.begin == 0;
  t.finish = pass.blocks.end == s.in_blocks;
  t.bias = pass.finish.bias ? pass.finish.bias + first_out * block : nullptr;
  t.residual = pass.finish.residual ? pass.finish.residual + y_at : nullptr;
  return t;
}

void compute_rows(const Convolution3x3& s, const Pass& pass, int64_t row_begin, int64_t row_end) {
  const int64_t pieces = s.tiles_in_row(), taps = (pass.blocks.end - pass.blocks.begin) * kernel * kernel;
  const float* next = pass.weights + taps * block * s.group() * block;
  int64_t fetched = 0;
  for (int64_t row = row_begin; row < row_end; ++row)
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t begin = s.columns * piece / pieces, end = s.columns * (piece + 1) / pieces;
      Tile tile = place_tile(s, pass, row, begin, end);
      if (fetched < pass.ahead_lines) {
        tile.ahead = next + fetched * line;
        tile.ahead_lines = pass.lines_per_tap;
        fetched += taps * pass.lines_per_tap;
      }
      tile_function(s, end - begin)(s, tile, pass.finish.relu);
    }
}

/// Input blocks whose weights stay in a near cache while all tiles of a part add them.
int64_t blocks_at_a_time(const Convolution3x3& s) { return s.group() == 4 ? 1 : 2; }

void convolve_3x3(const Convolution3x3& s, const Convolution3x3Part& part, const float* x, const float* weights,
                  float* y, const ConvolutionFinish& finish) {
  const int64_t most = blocks_at_a_time(s), passes = (s.in_blocks + most - 1) / most;
  const int64_t tiles = (part.row_end - part.row_begin) * s.tiles_in_row();
  const int64_t block_lines = kernel * kernel * block * s.group();
  for (int64_t group = part.group_begin; group < part.group_end; ++group)
    for (int64_t i = 0; i < passes; ++i) {
      const bool last = group + 1 == part.group_end && i + 1 == passes;
      Pass pass{.x = x, .weights = nullptr, .y = y, .group = group, .finish = finish};
      pass.blocks = {s.in_blocks * i / passes, s.in_blocks * (i + 1) / passes};
      pass.weights = weights + group * s.weights_group() + pass.blocks.begin * block_lines * line;
      pass.ahead_lines = last ? 0 : most * block_lines;
      pass.lines_per_tap = (block * s.group() + tiles - 1) / tiles;
      compute_rows(s, pass, part.row_begin, part.row_end);
    }
}

}  // namespace

void add_convolution_3x3(Kernels& table) { table.convolve_3x3 = convolve_3x3; }

#else

void add_convolution_3x3(Kernels&) {}

#endif

}  // namespace resnet::cpu::RESNET_ISA
