// Ops that move elements without computing. Channels are moved in pieces that lie in one block of the source and one of
// the result.
#include "runtime/cpu/amx/kernels.hpp"
#include "runtime/cpu/channels_last.hpp"

#include <algorithm>

namespace resnet::cpu {

namespace {

/// Channels [from, from + count) of an input become channels [to, to + count) of the output.
struct Move {
  Value source;
  int64_t from = 0, to = 0, count = 0;
};

struct Piece {
  Buffer source;
  int64_t source_image = 0;  // elements of one image
  int64_t from_plane = 0, to_plane = 0;
  LaneCopy copy = {};
};

std::vector<Piece> pieces_of(Lowering& to, const Move& move, const Shape& large, int stride, bool scatter) {
  const int64_t block = to.block();
  const Piece common{.source = to.read(move.source, Layout::blocked),
                     .source_image = to.image_elements(move.source, Layout::blocked),
                     .copy = {.height = large.h(), .width = large.w(), .stride = stride, .scatter = scatter}};
  std::vector<Piece> pieces;
  for (int64_t done = 0; done < move.count;) {
    const int64_t from = move.from + done, into = move.to + done;
    const int64_t count = std::min({block - from % block, block - into % block, move.count - done});
    Piece piece = common;
    piece.from_plane = from / block;
    piece.to_plane = into / block;
    piece.copy.from_lane = static_cast<int>(from % block);
    piece.copy.to_lane = static_cast<int>(into % block);
    piece.copy.count = static_cast<int>(count);
    pieces.push_back(piece);
    done += count;
  }
  return pieces;
}

/// Whether all channels move as pairs of images that lie batch-inner.
bool moves_pairs(const Lowering& to, Value y, const std::vector<Move>& moves) {
  return to.image_layout(y) == Layout::batch_inner && std::ranges::all_of(moves, [&](const Move& move) {
           return to.image_layout(move.source) == Layout::batch_inner && move.from % 2 == 0 && move.to % 2 == 0 &&
                  move.count % 2 == 0;
         });
}

// Pixel by pixel: the pairs of channels of 16 images follow one another.
void lower_pair_moves(const Node& node, Lowering& to, const std::vector<Move>& moves, int stride, bool scatter) {
  const Value y = node.outputs[0];
  std::vector<Buffer> sources;
  std::vector<int64_t> source_pixels;  // elements
  int64_t moved = 0;
  for (const Move& move : moves) {
    sources.push_back(to.read(move.source, Layout::batch_inner));
    source_pixels.push_back(to.channel_pairs(move.source) * 32);
    moved += move.count;
  }
  const Buffer result = to.write(y, Layout::batch_inner);
  const Shape &from = to.shape(node.inputs[0]), &into = to.shape(y);
  const int64_t pixel = to.channel_pairs(y) * 32, lines = into.n() / amx::images_in_row * into.h();
  const bool covered = moved == into.c() && (!scatter || stride == 1);
  const int tasks = tasks_for(lines * into.w() * pixel, lines);
  to.add(node, "own", sources, {result}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(lines, tasks, task);
    for (int64_t line = range.begin; line < range.end; ++line)
      for (int64_t column = 0; column < into.w(); ++column) {
        BFloat16* out = memory.at<BFloat16>(result) + (line * into.w() + column) * pixel;
        if (!covered) std::fill_n(out, pixel, BFloat16{});
        const int64_t group = line / into.h(), h = line % into.h();
        if (scatter && (h % stride != 0 || column % stride != 0)) continue;
        const int64_t source_h = scatter ? h / stride : h * stride,
                      source_w = scatter ? column / stride : column * stride;
        const int64_t source_pixel = (group * from.h() + source_h) * from.w() + source_w;
        for (std::size_t i = 0; i < moves.size(); ++i)
          std::copy_n(memory.at<BFloat16>(sources[i]) + source_pixel * source_pixels[i] + moves[i].from * 16,
                      moves[i].count * 16, out + moves[i].to * 16);
      }
  });
}

/// The output is zero but for the moved channels (and, scattered, the taken pixels).
void lower_moves(const Node& node, Lowering& to, const std::vector<Move>& moves, int stride = 1, bool scatter = false) {
  const Value y = node.outputs[0];
  if (moves_pairs(to, y, moves)) return lower_pair_moves(node, to, moves, stride, scatter);
  const Shape& large = to.shape(scatter ? y : node.inputs[0]);
  std::vector<Piece> pieces;
  std::vector<Buffer> reads;
  for (const Move& move : moves) {
    for (Piece& piece : pieces_of(to, move, large, stride, scatter)) pieces.push_back(piece);
    reads.push_back(pieces.back().source);
  }
  const bool covered = (!scatter || stride == 1) &&
                       std::ranges::all_of(pieces, [&](const Piece& p) { return p.copy.count == to.block(); }) &&
                       static_cast<int64_t>(pieces.size()) == to.channel_blocks(y);
  const Buffer result = to.write(y, Layout::blocked);
  const int64_t images = to.shape(y).n(), image = to.image_elements(y, Layout::blocked);
  const int64_t from_plane = to.pixels(node.inputs[0]) * to.block(), to_plane = to.pixels(y) * to.block();
  const int tasks = tasks_for(images * image, images);
  with_image_type(to[y].dtype, [&]<class T>(T) {
    to.add(node, "own", reads, {result}, tasks,
           [=, copy = to.kernels.of<T>().copy_lanes](const Memory& memory, int task, int) {
             const Range range = part_of(images, tasks, task);
             for (int64_t n = range.begin; n < range.end; ++n) {
               T* out = memory.at<T>(result) + n * image;
               if (!covered) std::fill_n(out, image, T{});
               for (const Piece& piece : pieces)
                 copy(piece.copy, memory.at<T>(piece.source) + n * piece.source_image + piece.from_plane * from_plane,
                      out + piece.to_plane * to_plane);
             }
           });
  });
}

}  // namespace

void lower(const Reshape&, const Node& node, Lowering& to) { to.share(node.inputs[0], node.outputs[0]); }
void lower(const StopGradient&, const Node& node, Lowering& to) { to.share(node.inputs[0], node.outputs[0]); }

void lower(const Concat&, const Node& node, Lowering& to) {
  std::vector<Move> moves;
  int64_t begin = 0;
  for (Value part : node.inputs) {
    moves.push_back({part, 0, begin, to.shape(part).c()});
    begin += to.shape(part).c();
  }
  lower_moves(node, to, moves);
}

void lower(const Slice& op, const Node& node, Lowering& to) {
  lower_moves(node, to, {{node.inputs[0], op.begin, 0, op.end - op.begin}});
}
void lower(const SliceGrad& op, const Node& node, Lowering& to) {
  lower_moves(node, to, {{node.inputs[0], 0, op.begin, to.shape(node.inputs[0]).c()}});
}
void lower(const Subsample& op, const Node& node, Lowering& to) {
  if (to.layout(node.inputs[0]) == Layout::channels_last) return lower_channels_last(op, node, to);
  lower_moves(node, to, {{node.inputs[0], 0, op.before, to.shape(node.inputs[0]).c()}}, op.stride);
}
void lower(const SubsampleGrad& op, const Node& node, Lowering& to) {
  lower_moves(node, to, {{node.inputs[0], op.before, 0, op.input.c()}}, op.stride, true);
}

}  // namespace resnet::cpu
