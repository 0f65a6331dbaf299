// Elements picked by their places along an axis: Gather, and Pad, whose modes repeat what is inside. Of computed values
// a pick is a few slices one after the other, so it has a gradient and can be exported again.
#include "base/error.hpp"
#include "formats/onnx_constants.hpp"
#include "formats/onnx_importer.hpp"
#include "models/excerpt.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace resnet::onnx {
namespace {

/// begin, begin + step, ...
struct Run {
  int64_t begin = 0, step = 0, count = 1;
};

std::vector<Run> runs_of(const std::vector<int64_t>& indices) {
  constexpr std::size_t most = 1024;  // a slice for each
  std::vector<Run> runs;
  for (const int64_t index : indices) {
    if (!runs.empty()) {
      Run& last = runs.back();
      if (last.count == 1) last.step = index - last.begin;
      if (index == last.begin + last.count * last.step) {
        ++last.count;
        continue;
      }
    }
    if (runs.size() == most) fail_model("picks from computed values in no regular order");
    runs.push_back({.begin = index});
  }
  return runs;
}

/// In 0 .. extent - 1; negative ones count from the end.
std::vector<int64_t> checked(std::vector<int64_t> indices, int64_t extent) {
  for (int64_t& index : indices) {
    if (index < -extent || index >= extent) fail_model("index ", index, " of ", extent);
    if (index < 0) index += extent;
  }
  return indices;
}

/// The elements at `indices` of an axis, for every position on the axes before and behind it.
Tensor taken_along(const Tensor& source, int axis, const std::vector<int64_t>& indices, const Shape& wanted) {
  const int64_t extent = source.shape()[axis];
  int64_t inner = 1;
  for (int i = axis + 1; i < source.shape().rank(); ++i) inner *= source.shape()[i];
  Tensor result(wanted, source.dtype());
  const std::size_t width = size_of(source.dtype()) * static_cast<std::size_t>(inner);
  const int64_t outer = source.elements() / std::max<int64_t>(extent * inner, 1);
  for (int64_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < indices.size(); ++i)
      std::memcpy(result.bytes().data() + (static_cast<std::size_t>(o) * indices.size() + i) * width,
                  source.bytes().data() + static_cast<std::size_t>(o * extent + indices[i]) * width, width);
  return result;
}

/// Where element `place` of an axis, which may lie outside, is taken from: as numpy.pad does.
int64_t source_of(int64_t place, int64_t extent, const std::string& mode) {
  if (mode == "edge") return std::clamp<int64_t>(place, 0, extent - 1);
  if (mode == "wrap") return (place % extent + extent) % extent;
  if (extent == 1) return 0;
  const int64_t period = 2 * (extent - 1), at = (place % period + period) % period;
  return std::min(at, period - at);
}

/// What a Pad node asks for, by axis; cutting comes first.
struct Padding {
  Shape begin, inside;   // what is kept of the input
  Shape before, wanted;  // where that lies in the result, and the result's shape
};

Padding padding_of(const Shape& from, std::span<const int64_t> pads, std::span<const int> axes) {
  constexpr int64_t most = 1 << 20;
  Padding result{from, from, from, from};
  for (int axis = 0; axis < from.rank(); ++axis) result.begin[axis] = result.before[axis] = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int at = axes[i];
    const int64_t before = pads[i], after = pads[i + axes.size()];
    if (before < -most || before > most || after < -most || after > most)
      fail_model("pads by ", before, " and ", after);
    result.begin[at] = std::max<int64_t>(0, -before);
    result.inside[at] = from[at] - result.begin[at] - std::max<int64_t>(0, -after);
    if (result.inside[at] < 1) fail_model("leaves nothing of ", from);
    result.before[at] = std::max<int64_t>(0, before);
    result.wanted[at] = result.inside[at] + result.before[at] + std::max<int64_t>(0, after);
  }
  return result;
}

/// Whether two shapes of rank 4 differ in their channels alone.
bool only_channels_differ(Shape a, const Shape& b) {
  if (a.rank() != 4) return false;
  a[1] = b[1];
  return a == b;
}

}  // namespace

Value Importer::picked(const Node& node, Value x, int axis, const std::vector<int64_t>& indices,
                       const std::string& part) {
  const Shape from = shape(x);
  Shape wanted = from, rows{1, from[axis], 1};
  wanted[axis] = static_cast<int64_t>(indices.size());
  for (int i = 0; i < axis; ++i) rows[0] *= from[i];
  for (int i = axis + 1; i < from.rank(); ++i) rows[2] *= from[i];
  const Value source = reshaped(node, x, rows, (part + ".rows").c_str());
  std::vector<Value> pieces;
  for (const Run& run : runs_of(indices)) {
    const std::string name = text_of(part, ".piece", pieces.size());
    const int64_t step = run.step == 0 ? 1 : run.step, taken = run.step == 0 ? 1 : run.count;
    Value piece =
        emit(node, StridedSlice{{0, run.begin, 0}, {1, step, 1}, {rows[0], taken, rows[2]}}, {source}, name.c_str());
    if (taken < run.count)
      piece = emit(node, Broadcast{{rows[0], run.count, rows[2]}}, {piece}, (name + ".repeated").c_str());
    pieces.push_back(piece);
  }
  const Value joined =
      pieces.size() == 1 ? pieces.front() : emit(node, Concat{}, std::move(pieces), (part + ".joined").c_str());
  return reshaped(node, joined, wanted, part.c_str());
}

void Importer::gather(const Node& node) {
  const Operand& source = operand(node, 0);
  const Shape from = shape_of(source), index_shape = constant(node, 1, "the indices").shape();
  const int at = axis(integer(node, "axis", 0), from.rank());
  const std::vector<int64_t> indices = checked(integers(node, 1, "the indices"), from[at]);
  if (index_shape.rank() + from.rank() - 1 > Shape::max_rank) fail_model("a result of rank above ", Shape::max_rank);
  Shape wanted;
  for (int i = 0; i < at; ++i) wanted.append(from[i]);
  for (const int64_t extent : index_shape) wanted.append(extent);
  for (int i = at + 1; i < from.rank(); ++i) wanted.append(from[i]);
  if (!source.constant) {
    if (indices.empty()) fail_model("takes nothing of ", from);
    return define(node, reshaped(node, picked(node, source.value, at, indices, ".picked"), wanted, ""));
  }
  expect_reasonable(wanted);
  define(node, taken_along(*source.constant, at, indices, wanted));
}

/// `number` around x. Zero channels are part of the option A shortcut, which files write as a pooling of single pixels
/// and a Pad: it becomes what it was.
Value Importer::filled_around(const Node& node, Value x, const Shape& before, const Shape& wanted, double number) {
  const Shape from = shape(x);
  Shape step = from;
  for (int axis = 0; axis < step.rank(); ++axis) step[axis] = 1;
  if (number != 0 || !only_channels_differ(wanted, from)) return emit(node, Pad{before, step, wanted, number}, {x});
  Subsample op{.stride = 1, .before = before[1], .after = wanted[1] - from[1] - before[1]};
  if (const int producer = result_.graph[x].producer; producer >= 0) {
    const resnet::Node& pool = result_.graph.nodes()[static_cast<std::size_t>(producer)];
    const auto* taken = std::get_if<Subsample>(&pool.op);
    if (taken && taken->before + taken->after == 0) {
      op.stride = taken->stride;
      x = pool.inputs[0];
    }
  }
  return emit(node, op, {x});
}

void Importer::pad(const Node& node) {
  const std::string mode = text(node, "mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    fail_model("pads by '", excerpt(mode), "'; there are constant, reflect, edge and wrap");
  Value x = value(node, 0);
  const Shape from = shape(x);
  const bool inputs = model_.opset >= 11;
  const std::vector<int64_t> pads = inputs ? integers(node, 1, "the pads") : list(node, "pads", {});
  double number = inputs ? 0 : static_cast<double>(real(node, "value", 0));
  if (inputs && has(node, 2)) {
    const Tensor& tensor = constant(node, 2, "the value");
    if (tensor.elements() != 1 || tensor.dtype() != DType::f32) fail_model("the value is not one float");
    number = static_cast<double>(tensor.data<float>()[0]);
  }
  std::vector<int> along;
  if (model_.opset >= 18 && has(node, 3))
    for (const int64_t i : integers(node, 3, "the axes")) along.push_back(axis(i, from.rank()));
  else
    for (int i = 0; i < from.rank(); ++i) along.push_back(i);
  if (pads.size() != 2 * along.size()) fail_model(pads.size(), " pads for ", along.size(), " axes");
  const Padding padding = padding_of(from, pads, along);
  Shape step = from;
  for (int i = 0; i < step.rank(); ++i) step[i] = 1;
  if (!(padding.inside == from)) x = emit(node, StridedSlice{padding.begin, step, padding.inside}, {x}, ".cut");
  if (padding.wanted == padding.inside) return define(node, x);
  if (mode == "constant") return define(node, filled_around(node, x, padding.before, padding.wanted, number));
  for (int i = 0; i < from.rank(); ++i) {
    if (padding.wanted[i] == padding.inside[i]) continue;
    std::vector<int64_t> indices;
    for (int64_t place = 0; place < padding.wanted[i]; ++place)
      indices.push_back(source_of(place - padding.before[i], padding.inside[i], mode));
    x = picked(node, x, i, indices, ".axis" + std::to_string(i));
  }
  define(node, x);
}

}  // namespace resnet::onnx
