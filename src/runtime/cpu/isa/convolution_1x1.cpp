// 1x1 convolutions of blocked f32 images. The sums of up to 14 pixels x 32 output channels stay in registers while all
// input channels are added: 16 loads for 28 multiply-adds, so that the multipliers are what limits it.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

// Without 32 registers the tile does not fit. Images in bf16 are none of these, so their copy needs none either.
#if defined(__AVX512F__) && !defined(__AVX512BF16__)

namespace {

constexpr int64_t line = 64 / sizeof(float);
constexpr int steps_ahead = 8;  // input channels by which loads of weights run ahead of their use

/// Where a tile's numbers lie, and which weights to bring closer meanwhile.
struct Tile {
  const float* x = nullptr;
  const float* weights = nullptr;
  float* y = nullptr;
  const float* bias = nullptr;
  const float* residual = nullptr;
  const float* mask = nullptr;
  const float* ahead = nullptr;  // of the next output channels
  int64_t ahead_lines = 0;       // per input block
};

template <int V>
__attribute__((always_inline)) inline void fetch_next(const Convolution1x1& s, const Tile& t, int64_t block_index) {
  for (int v = 0; v < V; ++v) {
    const float* from = t.ahead + v * s.weights_block() + block_index * t.ahead_lines * line;
    for (int64_t i = 0; i < t.ahead_lines; ++i) __builtin_prefetch(from + i * line, 0, 2);
  }
}

/// acc[v][h] += sum over one block's channels of weights[v] * x[h].
template <int H, int V, int Stride>
__attribute__((always_inline)) inline void add_block(const Convolution1x1& s, const float* x, const float* weights,
                                                     Vec (&acc)[V][H]) {
  constexpr int64_t pixel = Stride * block;
  const float* next = x + s.x_block;
  for (int c0 = 0; c0 < block; c0 += 4, x += 4, weights += 4 * block, next += 4 * pixel) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      Vec w[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        const float* from = weights + v * s.weights_block() + c * block;
        w[v] = load(from);
        __builtin_prefetch(from + steps_ahead * block, 0, 3);
      }
      __builtin_prefetch(next + c * pixel, 0, 3);
#pragma GCC unroll 14
      for (int h = 0; h < H; ++h) {
        const Vec value = x[h * pixel + c] - Vec{};  // splat() has to add, for the sake of -0
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) add_product(acc[v][h], value, w[v]);
      }
    }
  }
}

template <int H, int V, int Stride>
void compute_tile(const Convolution1x1& s, const Tile& t, bool relu) {
  Vec acc[V][H];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
    const Vec start = t.bias ? load(t.bias + v * block) : Vec{};
#pragma GCC unroll 14
    for (int h = 0; h < H; ++h) acc[v][h] = start;
  }
  for (int64_t b = 0; b < s.in_blocks; ++b) {
    fetch_next<V>(s, t, b);
    add_block<H, V, Stride>(s, t.x + b * s.x_block, t.weights + b * block * block, acc);
  }
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
#pragma GCC unroll 14
    for (int h = 0; h < H; ++h) {
      const int64_t at = v * s.y_block + h * block;
      Vec sum = acc[v][h];
      if (t.residual) sum += load(t.residual + at);
      if (t.mask) sum = where_positive(load(t.mask + at), sum);
      store(t.y + at, relu ? rectify(sum) : sum);
    }
  }
}

using TileFunction = void (*)(const Convolution1x1&, const Tile&, bool);

template <int V, int Stride>
constexpr TileFunction tile_functions[] = {
    compute_tile<1, V, Stride>,  compute_tile<2, V, Stride>,  compute_tile<3, V, Stride>,  compute_tile<4, V, Stride>,
    compute_tile<5, V, Stride>,  compute_tile<6, V, Stride>,  compute_tile<7, V, Stride>,  compute_tile<8, V, Stride>,
    compute_tile<9, V, Stride>,  compute_tile<10, V, Stride>, compute_tile<11, V, Stride>, compute_tile<12, V, Stride>,
    compute_tile<13, V, Stride>, compute_tile<14, V, Stride>};

template <int V>
TileFunction tile_function(const Convolution1x1& s, int64_t pixels) {
  return (s.stride == 1 ? tile_functions<V, 1> : tile_functions<V, 2>)[pixels - 1];
}

struct Place {
  int64_t x = 0, y = 0, pixels = 0;
};

/// Tile number `index` of all images' tiles.
Place place_of(const Convolution1x1& s, int64_t index) {
  const int64_t pieces = s.tiles_in_row(), row = index / pieces, piece = index % pieces;
  const int64_t image = row / s.rows, line_in_image = row % s.rows;
  const int64_t begin = s.columns * piece / pieces, end = s.columns * (piece + 1) / pieces;
  return {image * s.in_blocks * s.x_block + line_in_image * s.x_row + begin * s.stride * block,
          image * s.out_blocks * s.y_block + (line_in_image * s.columns + begin) * block, end - begin};
}

constexpr int64_t most_tiles = 64;

/// Output blocks `o` .. `o + V - 1` of some tiles, whose x and weights stay in the core's own cache.
template <int V>
void compute_tiles(const Convolution1x1& s, const Place* places, int64_t count, int64_t o, bool more, const float* x,
                   const float* weights, float* y, const ConvolutionFinish& finish) {
  Tile tile;
  tile.weights = weights + o * s.weights_block();
  tile.bias = finish.bias ? finish.bias + o * block : nullptr;
  tile.ahead_lines = more ? (block + count - 1) / count : 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = places[i].y + o * s.y_block;
    tile.x = x + places[i].x;
    tile.y = y + at;
    tile.residual = finish.residual ? finish.residual + at : nullptr;
    tile.mask = finish.mask ? finish.mask + at : nullptr;
    tile.ahead = tile.weights + V * s.weights_block() + i * tile.ahead_lines * s.in_blocks * line;
    tile_function<V>(s, places[i].pixels)(s, tile, finish.relu);
  }
}

/// So many tiles' x leaves room for the weights of 32 output channels in the second cache.
int64_t tiles_at_a_time(const Convolution1x1& s) {
  constexpr int64_t floats = 120'000;
  const int64_t fit = floats / (s.in_blocks * block * Convolution1x1::tile_pixels);
  return fit < 1 ? 1 : fit > most_tiles ? most_tiles : fit;
}

void convolve_1x1(const Convolution1x1& s, const Convolution1x1Part& part, const float* x, const float* weights,
                  float* y, const ConvolutionFinish& finish) {
  const int64_t all = part.tile_end - part.tile_begin, most = tiles_at_a_time(s), chunks = (all + most - 1) / most;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    Place places[most_tiles];
    const int64_t begin = part.tile_begin + all * chunk / chunks, end = part.tile_begin + all * (chunk + 1) / chunks;
    for (int64_t i = begin; i < end; ++i) places[i - begin] = place_of(s, i);
    for (int64_t o = part.out_begin; o < part.out_end; o += 2) {
      const bool pair = o + 1 < part.out_end, more = o + 3 < part.out_end;
      (pair ? compute_tiles<2> : compute_tiles<1>)(s, places, end - begin, o, more, x, weights, y, finish);
    }
  }
}

}  // namespace

void add_convolution_1x1(Kernels& table) { table.convolve_1x1 = convolve_1x1; }

#else

void add_convolution_1x1(Kernels&) {}

#endif

}  // namespace resnet::cpu::RESNET_ISA
