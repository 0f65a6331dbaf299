// Convolution: products of packed weights with pixels, two blocks of 16 output channels by two groups of 16 images at a
// time (or one by four), so that a tile load stands beside each tile product. Pairing groups of images rather than
// pixels lets both take part in the same taps, also at the borders.
#include "runtime/cpu/amx/tiles.hpp"

#include <cstring>

namespace resnet::cpu::amx {
namespace {

// Tile registers: 0 to 3 sums, 4 and 5 weights, 6 and 7 pixels (5 to 7 where one block meets four groups).
template <int blocks, int groups>
RESNET_INLINE void step(const std::byte* w, int64_t w_block, const std::byte* const (&x)[4]) {
  if constexpr (blocks == 2) {
    _tile_loadd(4, w, 64);
    _tile_loadd(6, x[0], 64);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (groups == 2) {
      _tile_loadd(7, x[1], 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    _tile_loadd(5, w + w_block, 64);
    _tile_dpbf16ps(2, 5, 6);
    if constexpr (groups == 2) _tile_dpbf16ps(3, 5, 7);
  } else {
    _tile_loadd(4, w, 64);
    _tile_loadd(5, x[0], 64);
    _tile_dpbf16ps(0, 4, 5);
    if constexpr (groups >= 2) {
      _tile_loadd(6, x[1], 64);
      _tile_dpbf16ps(1, 4, 6);
    }
    if constexpr (groups == 4) {
      _tile_loadd(7, x[2], 64);
      _tile_dpbf16ps(2, 4, 7);
      _tile_loadd(5, x[3], 64);
      _tile_dpbf16ps(3, 4, 5);
    }
  }
}

template <int blocks, int groups>
RESNET_INLINE void store_sums(float (&sums)[4][256]) {
  _tile_stored(0, sums[0], 64);
  if constexpr (groups >= 2) _tile_stored(1, sums[1], 64);
  if constexpr (blocks == 2 || groups == 4) _tile_stored(2, sums[2], 64);
  if constexpr (blocks * groups == 4) _tile_stored(3, sums[3], 64);
}

/// Where tiles end that reach past the last image.
struct Fence {
  const std::byte* end = nullptr;
  std::byte* room = nullptr;  // a tile for each group of images

  const std::byte* within(const std::byte* tile, int group) const {
    if (tile + tile_bytes <= end) return tile;
    std::byte* copy = room + group * tile_bytes;
    const int64_t there = tile < end ? end - tile : 0;
    std::memcpy(copy, tile, static_cast<std::size_t>(there));
    std::memset(copy + there, 0, static_cast<std::size_t>(tile_bytes - there));
    stores_before_tiles(copy);
    return copy;
  }
};

template <int blocks, int groups, bool ragged>
RESNET_INLINE void multiply(const Correlation& c, int64_t line, const Span& span, const std::byte* x,
                            const std::byte* weights, const Fence& fence) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int32_t i = c.first_line[line]; i < c.first_line[line + 1]; ++i) {
    const std::byte* first = x + c.lines[i].line * c.x.line + span.column * c.x.pixel;
    const std::byte* w = weights + c.lines[i].kernel_row * c.weights_row + span.tile * tile_bytes;
    for (int32_t s = 0; s < span.steps; ++s, first += tile_bytes, w += tile_bytes) {
      const std::byte* tiles[4] = {};
      for (int g = 0; g < groups; ++g) {
        tiles[g] = first + g * c.x.group;
        if constexpr (ragged) tiles[g] = fence.within(tiles[g], g);
      }
      step<blocks, groups>(w, c.weights_block, tiles);
    }
  }
}

struct Destination {
  std::byte* y;
  const std::byte *residual, *mask;
  int64_t group;  // bytes from one group of images to the next
};

// A block of 16 channels of one pixel: 8 rows in each group.
template <int groups, bool measured>
RESNET_INLINE void finish_block(const float (*sums)[256], const Destination& to, const float* bias, bool relu,
                                LaneSums* lanes, bool first) {
  for (int row = 0; row < 8; ++row) {
    __m512i rows[4];
    for (int g = 0; g < groups; ++g) {
      Pair pair = {_mm512_load_ps(sums[g] + 32 * row), _mm512_load_ps(sums[g] + 32 * row + 16)};
      if (bias) {
        pair.even = _mm512_add_ps(pair.even, _mm512_set1_ps(bias[2 * row]));
        pair.odd = _mm512_add_ps(pair.odd, _mm512_set1_ps(bias[2 * row + 1]));
      }
      const int64_t at = g * to.group + row * row_bytes;
      if (to.residual) {
        const Pair other = unpack(load_row(to.residual + at));
        pair = {_mm512_add_ps(pair.even, other.even), _mm512_add_ps(pair.odd, other.odd)};
      }
      if (to.mask) {
        const Pair sign = unpack(load_row(to.mask + at));
        pair = {where_positive(sign.even, pair.even), where_positive(sign.odd, pair.odd)};
      }
      if (relu) pair = rectify(pair);
      rows[g] = pack(pair);
      store_row(to.y + at, rows[g]);
    }
    if constexpr (measured) {
      LaneSums even = lanes[2 * row], odd = lanes[2 * row + 1];
      if (first) {
        const Pair pair = unpack(rows[0]);
        even.pivot = pair.even;
        odd.pivot = pair.odd;
      }
      for (int g = 0; g < groups; ++g) {
        const Pair pair = unpack(rows[g]);
        const __m512 a = _mm512_sub_ps(pair.even, even.pivot), b = _mm512_sub_ps(pair.odd, odd.pivot);
        even.sum = _mm512_add_ps(even.sum, a);
        even.squares = _mm512_fmadd_ps(a, a, even.squares);
        odd.sum = _mm512_add_ps(odd.sum, b);
        odd.squares = _mm512_fmadd_ps(b, b, odd.squares);
      }
      lanes[2 * row] = even;
      lanes[2 * row + 1] = odd;
    }
  }
}

constexpr int64_t most_blocks = 16;  // of output channels that are done in turn

/// Pointers to some groups of images.
struct Arrays {
  const std::byte *x, *weights;
  std::byte* y;
  const Finish* finish;
  Fence fence;
};

// `lanes`: of the blocks' channels, or null.
template <int blocks, int groups, bool ragged, bool measured>
void columns_of_blocks(const Correlation& c, int64_t line, int begin, int end, int64_t block, const Arrays& arrays,
                       LaneSums* lanes, bool first) {
  alignas(64) float sums[2][4][256];
  int turn = 0;  // the tiles of one pixel are stored while those of the one before are still read
  const std::byte* weights = arrays.weights + block * c.weights_block;
  const float* bias = arrays.finish->bias ? arrays.finish->bias + block * 16 : nullptr;
  const std::byte *residual = arrays.finish->residual, *mask = arrays.finish->mask;
  for (int column = begin; column < end; ++column) {
    multiply<blocks, groups, ragged>(c, line, c.spans[column], arrays.x, weights, arrays.fence);
    auto& turned = sums[turn ^= 1];
    store_sums<blocks, groups>(turned);
    const int64_t at = line * c.y.line + column * c.y.pixel + block * 8 * row_bytes;
    for (int b = 0; b < blocks; ++b) {
      const int64_t to = at + b * 8 * row_bytes;
      finish_block<groups, measured>(
          turned + 2 * b, {arrays.y + to, residual ? residual + to : nullptr, mask ? mask + to : nullptr, c.y.group},
          bias ? bias + b * 16 : nullptr, arrays.finish->relu, measured ? lanes + b * 16 : nullptr, first);
    }
    first = false;
  }
}

using Columns = void (*)(const Correlation&, int64_t line, int begin, int end, int64_t block, const Arrays&, LaneSums*,
                         bool first);

template <bool ragged, bool measured>
Columns kernel_for(int blocks, int64_t groups) {
  if (blocks == 2)
    return groups == 2 ? columns_of_blocks<2, 2, ragged, measured> : columns_of_blocks<2, 1, ragged, measured>;
  if (groups == 4) return columns_of_blocks<1, 4, ragged, measured>;
  return groups == 2 ? columns_of_blocks<1, 2, ragged, measured> : columns_of_blocks<1, 1, ragged, measured>;
}

Columns kernel_for(const Correlation& c, bool measured, int blocks, int64_t groups) {
  if (measured) return c.ragged ? kernel_for<true, true>(blocks, groups) : kernel_for<false, true>(blocks, groups);
  return c.ragged ? kernel_for<true, false>(blocks, groups) : kernel_for<false, false>(blocks, groups);
}

// Blocks of output channels [begin, end), for which `lanes` has room, over all lines of the part. A piece of a line is
// done for all blocks before the next one.
void blocks_of_part(const Correlation& c, const CorrelationPart& part, int64_t begin, int64_t end, int piece,
                    const Arrays& all, LaneSums* lanes) {
  for (int64_t group = part.group_begin, groups = 0; group < part.group_end; group += groups) {
    const int64_t left = part.group_end - group;
    groups = end - begin == 1 && left >= 4 ? 4 : left >= 2 ? 2 : 1;
    const int64_t offset = group * c.y.group;
    Finish finish = *all.finish;
    if (finish.residual) finish.residual += offset;
    if (finish.mask) finish.mask += offset;
    const Arrays arrays{all.x + group * c.x.group, all.weights, all.y + offset, &finish, all.fence};
    const Columns pair = kernel_for(c, lanes != nullptr, 2, groups),
                  single = kernel_for(c, lanes != nullptr, 1, groups);
    for (int64_t line = part.line_begin; line < part.line_end; ++line)
      for (int column = 0; column < c.width; column += piece) {
        const int last = column + piece < c.width ? column + piece : c.width;
        const bool first = group == part.group_begin && line == part.line_begin && column == 0;
        for (int64_t block = begin; block < end; block += 2)
          (end - block >= 2 ? pair : single)(c, line, column, last, block, arrays,
                                             lanes ? lanes + (block - begin) * 16 : nullptr, first);
      }
  }
}

}  // namespace

void correlate(const Correlation& c, const CorrelationPart& part, const std::byte* x, const std::byte* weights,
               std::byte* y, const Finish& finish) {
  const Tiles tiles;
  alignas(64) std::byte room[4 * tile_bytes];
  const Arrays arrays{x, weights, y, &finish, {x + c.x_bytes, room}};
  alignas(64) LaneSums lanes[16 * most_blocks];
  // Few weights: all blocks of a piece of a line in turn, so that its output is written in one go. Many: each pair of
  // blocks over all lines, so that its weights are read from the last cache once.
  const bool together = (part.block_end - part.block_begin) * c.weights_block <= 256 * 1024;
  const int64_t most = together ? most_blocks : 2;
  for (int64_t block = part.block_begin; block < part.block_end; block += most) {
    const int64_t end = block + most < part.block_end ? block + most : part.block_end;
    if (finish.moments) std::memset(static_cast<void*>(lanes), 0, sizeof lanes);
    blocks_of_part(c, part, block, end, together ? 8 : c.width, arrays, finish.moments ? lanes : nullptr);
    if (!finish.moments) continue;
    const auto count =
        static_cast<double>((part.group_end - part.group_begin) * (part.line_end - part.line_begin) * c.width);
    for (int64_t channel = 0; channel < (end - block) * 16; ++channel) {
      double* at = finish.moments + (block * 16 + channel) * 2;
      join_lanes(lanes[channel], count, at, at + 1);
    }
  }
}

}  // namespace resnet::cpu::amx
