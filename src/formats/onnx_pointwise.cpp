// Operators element by element, softmax, and those that do nothing in inference.
#include "base/error.hpp"
#include "formats/onnx_importer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace resnet::onnx {
namespace {

template <class T>
T combine(BinaryKind kind, T a, T b) {
  switch (kind) {
    case BinaryKind::add: return a + b;
    case BinaryKind::subtract: return a - b;
    case BinaryKind::multiply: return a * b;
    case BinaryKind::divide:
      if (b == 0 && std::is_integral_v<T>) fail_model("divides an integer by zero");
      return a / b;
  }
  return 0;
}

/// Of two constants of equal shape, or one of which is a single number.
template <class T>
Tensor folded(BinaryKind kind, const Tensor& a, const Tensor& b) {
  const bool larger_first = a.elements() != 1 || b.elements() == 1;
  const Shape shape = larger_first ? (b.shape().rank() > a.shape().rank() ? b.shape() : a.shape()) : b.shape();
  Tensor result(shape, dtype_of<T>);
  const auto x = a.data<T>(), y = b.data<T>();
  for (std::size_t i = 0; i < result.data<T>().size(); ++i)
    result.data<T>()[i] = combine<T>(kind, x[a.elements() == 1 ? 0 : i], y[b.elements() == 1 ? 0 : i]);
  return result;
}

bool foldable(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && (a.shape() == b.shape() || a.elements() == 1 || b.elements() == 1) &&
         (a.dtype() == DType::f32 || a.dtype() == DType::i64 || a.dtype() == DType::i32);
}

}  // namespace

void Importer::relu(const Node& node) { define(node, emit(node, Unary{.kind = UnaryKind::relu}, {value(node, 0)})); }

void Importer::leaky_relu(const Node& node) {
  define(node, emit(node, Unary{.kind = UnaryKind::leaky_relu, .a = real(node, "alpha", 0.01f)}, {value(node, 0)}));
}

void Importer::sigmoid(const Node& node) {
  define(node, emit(node, Unary{.kind = UnaryKind::sigmoid}, {value(node, 0)}));
}

void Importer::clip(const Node& node) {
  constexpr float most = std::numeric_limits<float>::max();
  const auto bound = [&](const char* attribute, std::size_t input, float otherwise) {
    if (model_.opset < 11) return real(node, attribute, otherwise);
    if (!has(node, input)) return otherwise;
    const Tensor& tensor = constant(node, input, "a bound");
    if (tensor.elements() != 1 || tensor.dtype() != DType::f32) fail_model("a bound is not one float");
    return tensor.data<float>()[0];
  };
  const float high = bound("max", 2, most), low = std::min(bound("min", 1, -most), high);  // the maximum wins
  define(node, emit(node, Unary{.kind = UnaryKind::clip, .a = low, .b = high}, {value(node, 0)}));
}

/// With a single constant number: a pointwise function of the other operand.
bool Importer::binary_with_number(const Node& node, BinaryKind kind) {
  const Operand &a = operand(node, 0), &b = operand(node, 1);
  const bool right = b.constant != nullptr;
  const Operand &number_operand = right ? b : a, &other = right ? a : b;
  if (!number_operand.constant || number_operand.constant->elements() != 1 || other.constant) return false;
  if (number_operand.constant->dtype() != DType::f32 ||
      number_operand.constant->shape().rank() > shape(other.value).rank())
    return false;
  const float c = number_operand.constant->data<float>()[0];
  Unary op{.kind = UnaryKind::affine, .a = 1, .b = 0};
  switch (kind) {
    case BinaryKind::add: op.b = c; break;
    case BinaryKind::subtract:
      op.a = right ? 1.f : -1.f;
      op.b = right ? -c : c;
      break;
    case BinaryKind::multiply: op.a = c; break;
    case BinaryKind::divide:
      if (!right) return false;
      op.a = 1 / c;
      break;
  }
  define(node, emit(node, op, {other.value}));
  return true;
}

Value Importer::combined(const Node& node, BinaryKind kind, Value a, Value b, const std::string& part) {
  const Shape x = shape(a), s = shape(b);
  // Squeeze-and-excitation: a number for each image and channel.
  if (kind == BinaryKind::multiply && x.rank() == 4 && s == Shape{x.n(), x.c(), 1, 1} && !(x == s))
    return emit(node, ScaleChannels{}, {a, reshaped(node, b, {x.n(), x.c()}, (part + ".scale").c_str())}, part.c_str());
  const Shape wanted = broadcast_shape(x, s);
  const Value left = broadcast(node, a, wanted, (part + ".left").c_str());
  const Value right = broadcast(node, b, wanted, (part + ".right").c_str());
  return emit(node, Binary{.kind = kind}, {left, right}, part.c_str());
}

void Importer::binary(const Node& node, BinaryKind kind) {
  const Operand &a = operand(node, 0), &b = operand(node, 1);
  if (a.constant && b.constant && foldable(*a.constant, *b.constant)) {
    const DType type = a.constant->dtype();
    if (type == DType::i64) return define(node, folded<int64_t>(kind, *a.constant, *b.constant));
    if (type == DType::i32) return define(node, folded<int32_t>(kind, *a.constant, *b.constant));
    return define(node, folded<float>(kind, *a.constant, *b.constant));
  }
  if (binary_with_number(node, kind)) return;
  const Value left = value(node, 0), right = value(node, 1);
  // The scale of a squeeze-and-excitation may stand first.
  const bool swap = kind == BinaryKind::multiply && shape(right).elements() > shape(left).elements();
  define(node, combined(node, kind, swap ? right : left, swap ? left : right, ""));
}

void Importer::sum(const Node& node) {
  Value total = value(node, 0);
  for (std::size_t i = 1; i < node.inputs.size(); ++i)
    total = combined(node, BinaryKind::add, total, value(node, i),
                     i + 1 < node.inputs.size() ? "." + std::to_string(i) : "");
  define(node, total);
}

/// Since opset 13 over one axis; before over all axes from one on, taken together.
void Importer::softmax_over(const Node& node, bool log) {
  const Value x = value(node, 0);
  const Shape from = shape(x);
  const int rank = from.rank();
  const int at = axis(integer(node, "axis", model_.opset < 13 ? 1 : -1), rank);
  std::vector<int> order;
  for (int i = 0; i < rank; ++i)
    if (model_.opset < 13 || i != at) order.push_back(i);
  if (model_.opset >= 13) order.push_back(at);
  const Value moved = transposed(node, x, order, ".before");
  int64_t columns = from[at];
  for (int i = at + 1; i < rank && model_.opset < 13; ++i) columns *= from[i];
  const Shape shape_moved = shape(moved);
  const Value rows = reshaped(node, moved, {from.elements() / columns, columns}, ".rows");
  const Value y = reshaped(node, emit(node, Softmax{log}, {rows}), shape_moved, ".shape");
  std::vector<int> back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  define(node, transposed(node, y, back, ".after"));
}

void Importer::dropout(const Node& node) {
  if (!options_.keep_dropout || operand(node, 0).constant) return identity(node);
  float probability = real(node, "ratio", 0.5f);
  if (model_.opset >= 12 && has(node, 1)) {
    const Tensor& ratio = constant(node, 1, "the ratio");
    if (ratio.elements() != 1 || ratio.dtype() != DType::f32) fail_model("the ratio is not one float");
    probability = ratio.data<float>()[0];
  }
  const std::optional<Value> known = result_.graph.find("random_key");
  const Value key = known ? *known : result_.graph.add_input("random_key", {1}, DType::i64);
  define(node, emit(node, Dropout{.probability = probability, .salt = operands_.size()}, {value(node, 0), key}));
}

void Importer::identity(const Node& node) {
  Operand same = operand(node, 0);
  operands_[node.outputs.at(0)] = std::move(same);
}

void Importer::cast(const Node& node) {
  const int64_t to = integer(node, "to", 0);
  const Operand& from = operand(node, 0);
  if (!from.constant) {
    if (to != type_float) fail_model("casts images to element type ", to, "; only float32 is supported");
    return identity(node);
  }
  const auto wide = [&] {
    const Tensor& tensor = *from.constant;
    if (tensor.dtype() != DType::u8) return tensor;
    Tensor result(tensor.shape(), DType::i32);
    for (std::size_t i = 0; i < result.data<int32_t>().size(); ++i)
      result.data<int32_t>()[i] = tensor.data<uint8_t>()[i];
    return result;
  }();
  switch (to) {
    case type_float: return define(node, convert(wide, DType::f32));
    case type_double: return define(node, convert(wide, DType::f32));
    case type_int64: return define(node, convert(wide, DType::i64));
    case type_int32: return define(node, convert(wide, DType::i32));
    default: fail_model("casts to element type ", to, ", which is not supported");
  }
}

}  // namespace resnet::onnx
