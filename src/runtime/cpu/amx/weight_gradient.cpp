// The gradient of a convolution's weights: for each tap, dw[i, o] = sum x[i] dy[o] over images and pixels. The tile
// unit sums over pairs of neighbours in a row, so 32 images are the inner dimension: x becomes [channel][32 images],
// dy [pair of images][16 outputs][2 images]. Both are rearranged once a line, in scratch memory that stays in the
// second cache; lines of x stay as long as the kernel reaches them. Columns of zeros stand for the padding.
#include "runtime/cpu/amx/tiles.hpp"

#include <cstring>

namespace resnet::cpu::amx {
namespace {

/// `count` rows of a pixel of two groups of 16 images, as 2 * count rows [channel][32 images].
RESNET_INLINE void to_rows(const std::byte* a, const std::byte* b, std::byte* out, int64_t count) {
  const __m512i even = _mm512_set_epi16(62, 60, 58, 56, 54, 52, 50, 48, 46, 44, 42, 40, 38, 36, 34, 32, 30, 28, 26, 24,
                                        22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i odd = _mm512_add_epi16(even, _mm512_set1_epi16(1));
  for (int64_t row = 0; row < count; ++row) {
    const __m512i first = load_row(a + row * row_bytes);
    const __m512i second = b ? load_row(b + row * row_bytes) : _mm512_setzero_si512();
    store_row(out + 2 * row * row_bytes, _mm512_permutex2var_epi16(first, even, second));
    store_row(out + (2 * row + 1) * row_bytes, _mm512_permutex2var_epi16(first, odd, second));
  }
}

/// 16 channels of a pixel of two groups of 16 images, as [pair of images][16 channels][2 images]: a transposition of
/// 16 x 16 pairs of channels, then of the pairs' halves.
RESNET_INLINE void to_pairs(const std::byte* a, const std::byte* b, std::byte* out) {
  __m512i r[16], t[16];
  for (int j = 0; j < 8; ++j) {
    r[j] = load_row(a + j * row_bytes);
    r[j + 8] = b ? load_row(b + j * row_bytes) : _mm512_setzero_si512();
  }
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int k = 0; k < 4; ++k) {
    const __m512i p = _mm512_shuffle_i32x4(r[k], r[k + 4], 0x88), q = _mm512_shuffle_i32x4(r[k], r[k + 4], 0xdd);
    const __m512i u = _mm512_shuffle_i32x4(r[k + 8], r[k + 12], 0x88),
                  v = _mm512_shuffle_i32x4(r[k + 8], r[k + 12], 0xdd);
    t[k] = _mm512_shuffle_i32x4(p, u, 0x88);
    t[k + 8] = _mm512_shuffle_i32x4(p, u, 0xdd);
    t[k + 4] = _mm512_shuffle_i32x4(q, v, 0x88);
    t[k + 12] = _mm512_shuffle_i32x4(q, v, 0xdd);
  }
  // t[n]: image n, 8 pairs of channels of the first group, then 8 of the second.
  const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37,
                                       5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  for (int i = 0; i < 8; ++i) {
    store_row(out + i * row_bytes, _mm512_permutex2var_epi16(t[2 * i], low, t[2 * i + 1]));
    store_row(out + (i + 8) * row_bytes, _mm512_permutex2var_epi16(t[2 * i], high, t[2 * i + 1]));
  }
}

/// The arrays of one pair of groups, and the scratch memory.
struct Lines {
  const WeightGradient& g;
  const std::byte *x, *dy;
  bool single;  // there is no second group
  std::byte *x_lines, *dy_lines;

  std::byte* x_line(int64_t line) const { return x_lines + line % g.ring() * g.x_line_bytes(); }

  void take_x(int64_t line) const {
    std::byte* out = x_line(line);
    const int64_t pixel = g.channels * row_bytes;
    const std::byte* from = x + line * g.x.line;
    for (int64_t column = -g.pad_left; column < g.padded_width() - g.pad_left; ++column, out += pixel) {
      // Columns between the places of a kernel narrower than its stride are not read.
      if (g.kernel_w < g.stride_w && (column + g.pad_left) % g.stride_w >= g.kernel_w) continue;
      if (column < 0 || column >= g.width)
        std::memset(out, 0, static_cast<std::size_t>(pixel));
      else
        to_rows(from + column * g.x.pixel, single ? nullptr : from + column * g.x.pixel + g.x.group, out,
                g.channels / 2);
    }
  }

  void take_dy(int64_t line, int64_t slot) const {
    std::byte* out = dy_lines + slot * g.dy_line_bytes();
    const std::byte* from = dy + line * g.dy.line;
    for (int64_t column = 0; column < g.out_width; ++column, from += g.dy.pixel)
      for (int64_t block = 0; block < g.blocks; ++block, out += tile_bytes) {
        const std::byte* at = from + block * 8 * row_bytes;
        to_pairs(at, single ? nullptr : at + g.dy.group, out);
      }
  }
};

/// What the sums of a few tiles are made of: `items` tiles of x that are `step` tiles apart, `blocks` tiles of dy.
struct Tile {
  int64_t kernel_row, item, step, block;
};

// Tile registers: 0 to 5 sums (item * blocks + block), 6 rows of x, 7 of dy; two by two: 4 and 5 rows of x, 6 and 7 of
// dy. With three taps beside each other two of three tiles of x were read for the columns before and are in the first
// cache still.
template <int items, int blocks>
RESNET_INLINE void multiply(const std::byte* a, int64_t a_item, const std::byte* b) {
  if constexpr (items == 2 && blocks == 2) {
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + tile_bytes, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + a_item, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  } else if constexpr (items == 3 && blocks == 2) {
    _tile_loadd(7, b, 64);
    _tile_loadd(6, a, 64);
    _tile_dpbf16ps(0, 6, 7);
    _tile_loadd(6, a + a_item, 64);
    _tile_dpbf16ps(2, 6, 7);
    _tile_loadd(6, a + 2 * a_item, 64);
    _tile_dpbf16ps(4, 6, 7);
    _tile_loadd(7, b + tile_bytes, 64);
    _tile_dpbf16ps(5, 6, 7);
    _tile_loadd(6, a + a_item, 64);
    _tile_dpbf16ps(3, 6, 7);
    _tile_loadd(6, a, 64);
    _tile_dpbf16ps(1, 6, 7);
  } else {
    static_assert(blocks == 1 || items == 1);
    _tile_loadd(7, b, 64);
    _tile_loadd(6, a, 64);
    _tile_dpbf16ps(0, 6, 7);
    if constexpr (blocks == 2) {
      _tile_loadd(7, b + tile_bytes, 64);
      _tile_dpbf16ps(1, 6, 7);
    }
    if constexpr (items >= 2) {
      _tile_loadd(6, a + a_item, 64);
      _tile_dpbf16ps(1, 6, 7);
    }
    if constexpr (items >= 3) {
      _tile_loadd(6, a + 2 * a_item, 64);
      _tile_dpbf16ps(2, 6, 7);
    }
  }
}

template <int items, int blocks>
RESNET_INLINE void load_sums(const float* first, int64_t item) {
  constexpr int next = blocks == 2 ? 256 : 0;
  _tile_loadd(0, first, 64);
  if constexpr (items * blocks >= 2) _tile_loadd(1, blocks == 2 ? first + next : first + item, 64);
  if constexpr (items * blocks >= 3) _tile_loadd(2, blocks == 2 ? first + item : first + 2 * item, 64);
  if constexpr (items * blocks >= 4) _tile_loadd(3, first + item + next, 64);
  if constexpr (items * blocks == 6) {
    _tile_loadd(4, first + 2 * item, 64);
    _tile_loadd(5, first + 2 * item + next, 64);
  }
}

template <int items, int blocks>
RESNET_INLINE void store_sums(float* first, int64_t item) {
  constexpr int next = blocks == 2 ? 256 : 0;
  _tile_stored(0, first, 64);
  if constexpr (items * blocks >= 2) _tile_stored(1, blocks == 2 ? first + next : first + item, 64);
  if constexpr (items * blocks >= 3) _tile_stored(2, blocks == 2 ? first + item : first + 2 * item, 64);
  if constexpr (items * blocks >= 4) _tile_stored(3, first + item + next, 64);
  if constexpr (items * blocks == 6) {
    _tile_stored(4, first + 2 * item, 64);
    _tile_stored(5, first + 2 * item + next, 64);
  }
}

template <int items, int blocks>
void accumulate(const WeightGradient& g, const Lines& lines, int64_t begin, int64_t end, const Tile& tile,
                float* sums) {
  float* first = sums + ((tile.kernel_row * g.items() + tile.item) * g.blocks + tile.block) * 256;
  const int64_t next_item = tile.step * g.blocks * 256;
  load_sums<items, blocks>(first, next_item);
  const int64_t a_step = g.stride_w * g.channels * row_bytes, b_step = g.blocks * tile_bytes;
  for (int64_t line = begin; line < end; ++line) {
    const int64_t source = line * g.stride_h + tile.kernel_row - g.pad_top;
    if (source < 0 || source >= g.height) continue;
    const std::byte* a = lines.x_line(source) + tile.item * tile_bytes;
    const std::byte* b = lines.dy_lines + (line - begin) * g.dy_line_bytes() + tile.block * tile_bytes;
    for (int64_t column = 0; column < g.out_width; ++column, a += a_step, b += b_step)
      multiply<items, blocks>(a, tile.step * tile_bytes, b);
  }
  store_sums<items, blocks>(first, next_item);
}

using Accumulate = void (*)(const WeightGradient&, const Lines&, int64_t begin, int64_t end, const Tile&, float* sums);

void accumulate_band(const WeightGradient& g, const Lines& lines, int64_t begin, int64_t end, float* sums) {
  constexpr Accumulate kernels[3][2] = {
      {accumulate<1, 1>, accumulate<1, 2>}, {accumulate<2, 1>, accumulate<2, 2>}, {accumulate<3, 1>, accumulate<3, 2>}};
  // Three taps of the same channels, or neighbours among all items.
  const bool taps = g.kernel_w == 3 && g.channels % 16 == 0;
  const int64_t step = taps ? g.channels / 16 : 1, firsts = taps ? step : g.items();
  for (int64_t kernel_row = 0; kernel_row < g.kernel_h; ++kernel_row)
    for (int64_t block = 0, blocks = 0; block < g.blocks; block += blocks) {
      blocks = g.blocks - block >= 2 ? 2 : 1;
      for (int64_t item = 0, items = 0; item < firsts; item += taps ? 1 : items) {
        const int64_t left = firsts - item;
        items = taps || (blocks == 1 && left >= 3) ? 3 : left >= 2 ? 2 : 1;
        kernels[items - 1][blocks - 1](g, lines, begin, end, {kernel_row, item, step, block}, sums);
      }
    }
}

}  // namespace

void weight_gradient(const WeightGradient& g, int64_t begin, int64_t end, const std::byte* x, const std::byte* dy,
                     float* sums, std::byte* scratch) {
  const Tiles tiles;
  std::memset(sums, 0, static_cast<std::size_t>(g.sum_bytes()));
  std::byte* dy_lines = scratch + g.ring() * g.x_line_bytes() + tile_bytes;
  int64_t taken = 0;  // lines of x before this one are in the ring, or were
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t pair = unit / g.bands(), first = unit % g.bands() * g.band;
    const int64_t last = first + g.band < g.out_height ? first + g.band : g.out_height;
    const Lines lines{g,       x + 2 * pair * g.x.group, dy + 2 * pair * g.dy.group, 2 * pair + 1 == g.groups, scratch,
                      dy_lines};
    int64_t from = first * g.stride_h - g.pad_top, to = (last - 1) * g.stride_h - g.pad_top + g.kernel_h;
    from = from < 0 ? 0 : from;
    to = to > g.height ? g.height : to;
    if (unit == begin || first == 0) taken = 0;
    for (int64_t line = taken > from ? taken : from; line < to; ++line)
      if (g.kernel_h >= g.stride_h || (line + g.pad_top) % g.stride_h < g.kernel_h) lines.take_x(line);
    taken = to;
    for (int64_t line = first; line < last; ++line) lines.take_dy(line, line - first);
    stores_before_tiles(scratch);
    accumulate_band(g, lines, first, last, sums);
  }
}

void add_gradients(const WeightGradient& g, const float* sums, int64_t lanes, int64_t lane, int64_t block, float* dw,
                   const GradientPlace& place) {
  const int64_t area = int64_t{g.kernel_h} * g.kernel_w, rows = g.kernel_w * g.channels;
  for (int64_t kh = 0; kh < g.kernel_h; ++kh)
    for (int64_t item = 0; item < g.items(); ++item) {
      const float* tile = sums + ((kh * g.items() + item) * g.blocks + block) * 256;
      for (int64_t row = 0; row < 16 && item * 16 + row < rows; ++row) {
        const int64_t tap = (item * 16 + row) / g.channels, input = place.first_input + (item * 16 + row) % g.channels;
        if (input >= place.inputs) continue;
        __m512 sum = _mm512_load_ps(tile + row * 16);
        for (int64_t i = 1; i < lanes; ++i) sum = _mm512_add_ps(sum, _mm512_load_ps(tile + i * lane + row * 16));
        alignas(64) float values[16];
        _mm512_store_ps(values, sum);
        float* to = dw + (place.first_output * place.inputs + input) * area + kh * g.kernel_w + tap;
        for (int64_t output = 0; output < 16; ++output) to[output * place.inputs * area] = values[output];
      }
    }
}

}  // namespace resnet::cpu::amx
