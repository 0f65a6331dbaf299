// Operators that move elements. On constants they are done at once; that is how chains of Shape, Gather, Unsqueeze and
// Concat vanish.
#include "base/error.hpp"
#include "formats/onnx_constants.hpp"
#include "formats/onnx_importer.hpp"
#include "runtime/strides.hpp"

#include <algorithm>
#include <limits>

namespace resnet::onnx {
namespace {

/// Where Slice begins and how many elements it takes, on one axis.
struct Piece {
  int64_t begin = 0, step = 1, count = 0;
};

Piece piece_of(int64_t start, int64_t end, int64_t step, int64_t extent) {
  if (step == 0 || step < -(1 << 30) || step > 1 << 30) fail_model("a step of ", step);
  const auto place = [&](int64_t at) {
    if (at < 0) at += at < -extent ? -at : extent;
    return at;
  };
  int64_t first = start < 0 && start < -extent ? (step > 0 ? 0 : -1) : place(start);
  int64_t last = end < 0 && end < -extent ? (step > 0 ? 0 : -1) : place(end);
  if (step > 0) {
    first = std::clamp<int64_t>(first, 0, extent);
    last = std::clamp<int64_t>(last, 0, extent);
    return {first, step, std::max<int64_t>(0, (last - first + step - 1) / step)};
  }
  first = std::clamp<int64_t>(first, -1, extent - 1);
  last = std::clamp<int64_t>(last, -1, extent - 1);
  return {first, step, std::max<int64_t>(0, (first - last - step - 1) / -step)};
}

Shape filled(int rank, int64_t number) {
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) shape.append(number);
  return shape;
}

}  // namespace

void Importer::define_reshaped(const Node& node, const Shape& wanted) {
  const Operand& from = operand(node, 0);
  if (from.constant) return define(node, with_shape(*from.constant, wanted));
  define(node, reshaped(node, from.value, wanted, ""));
}

void Importer::reshape(const Node& node) {
  const Shape from = shape_of(operand(node, 0));
  std::vector<int64_t> target = integers(node, 1, "the shape");
  const bool zero_is_zero = integer(node, "allowzero", 0) != 0;
  if (target.size() > Shape::max_rank) fail_model("a shape of rank ", target.size());
  // A file for one batch size has it built in; -1 elsewhere would swallow the batch.
  const bool batch_first = options_.declared_batch > 0 && from.rank() > 0 && from[0] == options_.batch;
  if (batch_first && !target.empty() && target[0] == options_.declared_batch) target[0] = options_.batch;
  int64_t known = 1;
  int open = -1;
  Shape wanted;
  for (std::size_t i = 0; i < target.size(); ++i) {
    int64_t extent = target[i];
    if (extent == 0 && !zero_is_zero) {
      if (static_cast<int>(i) >= from.rank()) fail_model("a 0 where the input has no axis");
      extent = from[static_cast<int>(i)];
    }
    if (extent < -1 || (extent == -1 && open >= 0)) fail_model("more than one open extent, or a negative one");
    if (extent == -1)
      open = static_cast<int>(i);
    else if (extent > 0 && known > std::numeric_limits<int64_t>::max() / extent)
      fail_model("a shape that overflows");
    else
      known *= extent;
    wanted.append(extent);
  }
  if (open >= 0) {
    if (known == 0 || from.elements() % known != 0) fail_model(from, " does not fill the open extent of the shape");
    wanted[open] = from.elements() / known;
  }
  define_reshaped(node, wanted);
}

void Importer::flatten(const Node& node) {
  const Shape from = shape_of(operand(node, 0));
  const int64_t given = integer(node, "axis", 1);
  const int at = given == from.rank() ? from.rank() : axis(given, from.rank());
  int64_t rows = 1;
  for (int i = 0; i < at; ++i) rows *= from[i];
  define_reshaped(node, {rows, from.elements() / std::max<int64_t>(rows, 1)});
}

void Importer::squeeze(const Node& node) {
  const Shape from = shape_of(operand(node, 0));
  const std::optional<std::vector<int64_t>> given = axes(node, 13, 1);
  std::vector<char> gone(static_cast<std::size_t>(from.rank()));
  for (int i = 0; i < from.rank(); ++i)
    if (!given && from[i] == 1) gone[static_cast<std::size_t>(i)] = true;
  if (given)
    for (const int64_t i : *given) gone[static_cast<std::size_t>(axis(i, from.rank()))] = true;
  Shape wanted;
  for (int i = 0; i < from.rank(); ++i)
    if (!gone[static_cast<std::size_t>(i)]) wanted.append(from[i]);
  define_reshaped(node, wanted);
}

void Importer::unsqueeze(const Node& node) {
  const Shape from = shape_of(operand(node, 0));
  const std::optional<std::vector<int64_t>> given = axes(node, 13, 1);
  if (!given) fail_model("has no axes");
  const int rank = from.rank() + static_cast<int>(std::min<std::size_t>(given->size(), 64));
  if (rank > Shape::max_rank) fail_model("a result of rank ", rank);
  std::vector<char> fresh(static_cast<std::size_t>(rank));
  for (const int64_t i : *given) {
    char& place = fresh[static_cast<std::size_t>(axis(i, rank))];
    if (place) fail_model("names axis ", i, " twice");
    place = true;
  }
  Shape wanted;
  int next = 0;
  for (int i = 0; i < rank; ++i) wanted.append(fresh[static_cast<std::size_t>(i)] ? 1 : from[next++]);
  define_reshaped(node, wanted);
}

void Importer::transpose(const Node& node) {
  const Operand& from = operand(node, 0);
  const int rank = shape_of(from).rank();
  std::vector<int64_t> backwards;
  for (int i = rank; i-- > 0;) backwards.push_back(i);
  std::vector<int> order;
  for (const int64_t i : list(node, "perm", backwards)) order.push_back(axis(i, rank));
  if (static_cast<int>(order.size()) != rank) fail_model("an order of ", order.size(), " axes for ", rank);
  if (!from.constant) return define(node, transposed(node, from.value, order, ""));
  Shape wanted, axes;
  for (const int i : order) {
    wanted.append(from.constant->shape()[i]);
    axes.append(i);
  }
  if (wanted.elements() != from.constant->elements()) fail_model("an order that names an axis twice");
  define(node, gathered(*from.constant, transposed_walk(from.constant->shape(), wanted, axes)));
}

void Importer::concat(const Node& node) {
  const int rank = shape_of(operand(node, 0)).rank();
  const int at = axis(integer(node, "axis", 1), rank);
  bool constants = true;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) constants = constants && operand(node, i).constant;
  if (constants && rank == 1) {
    std::vector<int64_t> numbers;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      for (const int64_t number : integers(node, i, "the parts")) numbers.push_back(number);
    return define(node, tensor_of(numbers));
  }
  std::vector<int> order;
  for (int i = 0; i < rank; ++i) order.push_back(i);
  if (rank >= 2) std::swap(order[1], order[static_cast<std::size_t>(at)]);
  std::vector<Value> parts;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const std::string part = ".part" + std::to_string(i);
    const Value x = value(node, i);
    if (shape(x).rank() != rank) fail_model("parts of different rank");
    parts.push_back(rank == 1 ? reshaped(node, x, {1, shape(x)[0]}, part.c_str())
                              : transposed(node, x, order, part.c_str()));
  }
  const Value y = emit(node, Concat{}, std::move(parts));
  define(node, rank == 1 ? reshaped(node, y, {shape(y)[1]}) : transposed(node, y, order));
}

void Importer::expand(const Node& node) {
  const Operand& from = operand(node, 0);
  const Shape x = shape_of(from);
  const std::vector<int64_t> extents = integers(node, 1, "the shape");
  if (extents.size() > Shape::max_rank) fail_model("a shape of rank ", extents.size());
  Shape asked;
  for (const int64_t extent : extents) {
    if (extent < 1) fail_model("repeats to an extent of ", extent);
    asked.append(extent);
  }
  const bool batch_first = options_.declared_batch > 0 && x.rank() > 0 && asked.rank() == x.rank() &&
                           x[0] == options_.batch && asked[0] == options_.declared_batch;
  if (batch_first) asked[0] = options_.batch;
  const Shape wanted = broadcast_shape(x, asked);
  if (!from.constant) return define(node, broadcast(node, from.value, wanted, ""));
  expect_reasonable(wanted);
  Shape aligned = wanted;
  const int missing = wanted.rank() - x.rank();
  for (int i = 0; i < wanted.rank(); ++i) aligned[i] = i < missing ? 1 : x[i - missing];
  define(node, gathered(*from.constant, repeated_walk(aligned, wanted)));
}

void Importer::slice(const Node& node) {
  const Operand& from = operand(node, 0);
  const Shape x = shape_of(from);
  const bool inputs = model_.opset >= 10;
  const std::vector<int64_t> starts = inputs ? integers(node, 1, "the starts") : list(node, "starts", {});
  const std::vector<int64_t> ends = inputs ? integers(node, 2, "the ends") : list(node, "ends", {});
  std::vector<int64_t> along;
  for (std::size_t i = 0; i < starts.size(); ++i) along.push_back(static_cast<int64_t>(i));
  if (!inputs) along = list(node, "axes", along);
  if (inputs && has(node, 3)) along = integers(node, 3, "the axes");
  std::vector<int64_t> steps(starts.size(), 1);
  if (inputs && has(node, 4)) steps = integers(node, 4, "the steps");
  if (ends.size() != starts.size() || along.size() != starts.size() || steps.size() != starts.size())
    fail_model("starts, ends, axes and steps differ in number");
  StridedSlice op{.begin = filled(x.rank(), 0), .step = filled(x.rank(), 1), .shape = x};
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const int at = axis(along[i], x.rank());
    const Piece piece = piece_of(starts[i], ends[i], steps[i], x[at]);
    if (piece.count == 0 && !from.constant) fail_model("leaves nothing of ", x);
    op.begin[at] = piece.begin;
    op.step[at] = piece.step;
    op.shape[at] = piece.count;
  }
  if (from.constant) return define(node, gathered(*from.constant, strided_walk(op.shape, x, op.begin, op.step)));
  Shape channels = x;
  if (x.rank() >= 2) channels[1] = op.shape[1];
  const bool only_channels = x.rank() >= 2 && op.step[1] == 1 && op.shape == channels;
  const Slice part{op.begin.rank() > 1 ? op.begin[1] : 0, op.begin.rank() > 1 ? op.begin[1] + op.shape[1] : 0};
  define(node, only_channels ? emit(node, part, {from.value}) : emit(node, op, {from.value}));
}

}  // namespace resnet::onnx
