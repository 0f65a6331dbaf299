// Operators with windows, weights or sums: convolution, pooling, batch norm, matrix products. One-dimensional images
// are treated as images of height 1.
#include "base/error.hpp"
#include "formats/onnx_importer.hpp"

#include <algorithm>

namespace resnet::onnx {
namespace {

int small(int64_t number, const char* what) {
  constexpr int64_t most = 1 << 20;
  if (number < 0 || number > most) fail_model(what, " ", number, " is not in 0 .. ", most);
  return static_cast<int>(number);
}

/// The [C] of a batch norm from a file, whatever axes of extent 1 it has besides.
Shape flat(const Shape& shape) { return {shape.elements()}; }

Shape matrix_shape(const Tensor& tensor) {
  if (tensor.shape().rank() != 2 || !is_floating(tensor.dtype()))
    fail_model("weights ", tensor.shape(), " are no float matrix");
  return tensor.shape();
}

/// The rows of a matrix as columns, times `factor`.
Tensor matrix(const Tensor& tensor, bool transpose, float factor) {
  const int64_t rows = tensor.shape()[0], columns = tensor.shape()[1];
  Tensor result(transpose ? Shape{columns, rows} : Shape{rows, columns});
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result.data<float>()[static_cast<std::size_t>(transpose ? c * rows + r : r * columns + c)] =
          factor * tensor.data<float>()[static_cast<std::size_t>(r * columns + c)];
  return result;
}

/// Every stride-th pixel, which shortcuts without weights need: the maximum of one.
bool takes_single_pixels(const Window& v) {
  const bool padded = v.pad_top || v.pad_left || v.pad_bottom || v.pad_right;
  return v.kernel_h == 1 && v.kernel_w == 1 && v.stride_h == v.stride_w && v.stride_h > 0 && !padded;
}

}  // namespace

/// [N,C,L] as [N,C,1,L].
Value Importer::as_image(const Node& node, Value x) {
  const Shape from = shape(x);
  if (from.rank() == 4) return x;
  if (from.rank() != 3) fail_model("a value of ", from, " is neither an image [N,C,H,W] nor a row [N,C,L]");
  return reshaped(node, x, {from[0], from[1], 1, from[2]}, ".image");
}

void Importer::define_like(const Node& node, Value image, int rank) {
  const Shape y = shape(image);
  define(node, rank == 4 ? image : reshaped(node, image, {y.n(), y.c(), y.w()}, ".row"));
}

Window Importer::window_of(const Node& node, const Shape& image, std::vector<int64_t> kernel) const {
  const std::size_t axes = kernel.size();
  std::vector<int64_t> strides = list(node, "strides", std::vector<int64_t>(axes, 1));
  std::vector<int64_t> dilations = list(node, "dilations", std::vector<int64_t>(axes, 1));
  std::vector<int64_t> pads = list(node, "pads", std::vector<int64_t>(2 * axes, 0));
  if (axes < 1 || axes > 2 || strides.size() != axes || dilations.size() != axes || pads.size() != 2 * axes)
    fail_model("kernel, strides, dilations and pads do not have one or two axes each");
  if (axes == 1) {
    kernel.insert(kernel.begin(), 1);
    strides.insert(strides.begin(), 1);
    dilations.insert(dilations.begin(), 1);
    pads = {0, pads[0], 0, pads[1]};
  }
  const std::string automatic = text(node, "auto_pad", "NOTSET");
  for (std::size_t axis = 0; axis < 2 && automatic.starts_with("SAME"); ++axis) {
    const int64_t input = image[static_cast<int>(axis) + 2], stride = std::max<int64_t>(strides[axis], 1);
    const int64_t extent = small(kernel[axis] - 1, "kernel") * int64_t{small(dilations[axis], "dilation")} + 1;
    const int64_t total = std::max<int64_t>(0, ((input + stride - 1) / stride - 1) * stride + extent - input);
    const bool upper = automatic == "SAME_UPPER";
    pads[axis] = upper ? total / 2 : total - total / 2;
    pads[axis + 2] = total - pads[axis];
  }
  return {small(kernel[0], "kernel"),     small(kernel[1], "kernel"), small(strides[0], "stride"),
          small(strides[1], "stride"),    small(pads[0], "pad"),      small(pads[1], "pad"),
          small(pads[2], "pad"),          small(pads[3], "pad"),      small(dilations[0], "dilation"),
          small(dilations[1], "dilation")};
}

void Importer::conv(const Node& node) {
  const Value x = value(node, 0);
  const Operand& weights = operand(node, 1);
  const Shape w_shape = shape_of(weights);
  if (w_shape.rank() != shape(x).rank()) fail_model("weights ", w_shape, " for an input ", shape(x));
  const Value image = as_image(node, x);
  Value w = {};
  if (w_shape.rank() == 3 && weights.constant) {
    const Shape image_shape{w_shape[0], w_shape[1], 1, w_shape[2]};
    w = changed_parameter(weights, ":image", image_shape, [&] {
      Tensor tensor(image_shape);
      const Tensor source = convert(*weights.constant, DType::f32);
      std::ranges::copy(source.data<float>(), tensor.data<float>().begin());
      return tensor;
    });
  } else {
    w = as_image(node, weight(node, 1));
  }
  std::vector<int64_t> kernel(w_shape.begin() + 2, w_shape.end());
  const Conv op{.window = window_of(node, shape(image), list(node, "kernel_shape", std::move(kernel))),
                .groups = small(integer(node, "group", 1), "group"),
                .bias = has(node, 2)};
  std::vector<Value> inputs = {image, w};
  if (op.bias) inputs.push_back(weight(node, 2));
  define_like(node, emit(node, op, std::move(inputs)), shape(x).rank());
}

void Importer::batch_normalization(const Node& node) {
  if (integer(node, "training_mode", 0) != 0)
    fail_model("is in training mode; export the network for inference (model.eval())");
  const Value x = value(node, 0);
  const Shape from = shape(x);
  const auto vector = [&](std::size_t index, bool learned) {
    const Value v = learned ? weight(node, index) : value(node, index);
    return reshaped(node, v, flat(shape(v)), ".vector");
  };
  const Value image = from.rank() == 3 ? as_image(node, x) : x;
  const BatchNormInference op{.epsilon = real(node, "epsilon", 1e-5f)};
  const Value y = emit(node, op, {image, vector(1, true), vector(2, true), vector(3, false), vector(4, false)});
  from.rank() == 3 ? define_like(node, y, 3) : define(node, y);
}

void Importer::max_pool(const Node& node) {
  const Value x = value(node, 0), image = as_image(node, x);
  const Window window = window_of(node, shape(image), list(node, "kernel_shape", {}));
  const Op pool = MaxPool{window, integer(node, "ceil_mode", 0) != 0};
  const Op op = takes_single_pixels(window) ? Op(Subsample{.stride = window.stride_h}) : pool;
  define_like(node, emit(node, op, {image}), shape(x).rank());
}

void Importer::average_pool(const Node& node) {
  const Value x = value(node, 0), image = as_image(node, x);
  const AveragePool op{window_of(node, shape(image), list(node, "kernel_shape", {})),
                       integer(node, "ceil_mode", 0) != 0, integer(node, "count_include_pad", 0) != 0};
  define_like(node, emit(node, op, {image}), shape(x).rank());
}

void Importer::global_average_pool(const Node& node) {
  const Value x = value(node, 0);
  define_like(node, emit(node, GlobalAveragePool{}, {as_image(node, x)}), shape(x).rank());
}

void Importer::global_max_pool(const Node& node) {
  const Value x = value(node, 0), image = as_image(node, x);
  Window whole;
  whole.kernel_h = small(shape(image).h(), "height");
  whole.kernel_w = small(shape(image).w(), "width");
  define_like(node, emit(node, MaxPool{whole}, {image}), shape(x).rank());
}

// y = alpha a b + beta c, with a and b transposed on request.
void Importer::gemm(const Node& node) {
  const float alpha = real(node, "alpha", 1), beta = real(node, "beta", 1);
  const bool transpose_b = integer(node, "transB", 0) != 0;
  Value a = value(node, 0);
  if (shape(a).rank() != 2) fail_model("expects matrices, got ", shape(a));
  if (integer(node, "transA", 0) != 0) a = transposed(node, a, {1, 0}, ".a");
  const Operand& b = operand(node, 1);
  Value w = {};
  if (b.constant) {
    const bool as_it_is = transpose_b && alpha == 1 && b.constant->dtype() == DType::f32;
    const Shape from = matrix_shape(*b.constant), turned = transpose_b ? from : Shape{from[1], from[0]};
    const auto make = [&] { return matrix(convert(*b.constant, DType::f32), !transpose_b, alpha); };
    w = as_it_is ? weight(node, 1) : changed_parameter(b, text_of(":", !transpose_b, alpha), turned, make);
  } else {
    w = transpose_b ? value(node, 1) : transposed(node, value(node, 1), {1, 0}, ".b");
  }
  const auto scaled = [&](Value x, float factor, const char* part) {
    return factor == 1 ? x : emit(node, Unary{.kind = UnaryKind::affine, .a = factor}, {x}, part);
  };
  const int64_t outputs = shape(w)[0];
  if (has(node, 2) && operand(node, 2).constant && beta == 1 && shape_of(operand(node, 2)) == Shape{outputs} &&
      (alpha == 1 || b.constant))
    return define(node, emit(node, Linear{.bias = true}, {a, w, weight(node, 2)}));
  Value y = emit(node, Linear{.bias = false}, {a, w}, has(node, 2) ? ".product" : "");
  if (!b.constant) y = scaled(y, alpha, ".alpha");
  if (has(node, 2)) y = combined(node, BinaryKind::add, y, scaled(value(node, 2), beta, ".beta"), "");
  define(node, y);
}

void Importer::matmul(const Node& node) {
  Value a = value(node, 0);
  const Operand& b = operand(node, 1);
  if (b.constant && b.constant->shape().rank() == 2 && shape(a).rank() >= 2) {  // a linear layer over the last axis
    const Shape from = matrix_shape(*b.constant);
    const auto make = [&] { return matrix(convert(*b.constant, DType::f32), true, 1); };
    const Value w = changed_parameter(b, ":11", {from[1], from[0]}, make);
    Shape y = shape(a);
    const int64_t inner = y[y.rank() - 1], rows = y.elements() / std::max<int64_t>(inner, 1);
    y[y.rank() - 1] = shape(w)[0];
    const Value x = reshaped(node, a, {rows, inner}, ".rows");
    return define(node, reshaped(node, emit(node, Linear{.bias = false}, {x, w}), y, ".shape"));
  }
  Value right = value(node, 1);
  const bool row = shape(a).rank() == 1, column = shape(right).rank() == 1;
  if (row) a = reshaped(node, a, {1, shape(a)[0]}, ".row");
  if (column) right = reshaped(node, right, {shape(right)[0], 1}, ".column");
  const auto stack_of = [](const Shape& shape) {
    Shape stack;
    for (int axis = 0; axis < shape.rank() - 2; ++axis) stack.append(shape[axis]);
    return stack;
  };
  const auto with_stack = [](Shape stack, const Shape& shape) {
    stack.append(shape[shape.rank() - 2]);
    stack.append(shape[shape.rank() - 1]);
    return stack;
  };
  if (shape(a).rank() < 2 || shape(right).rank() < 2) fail_model("expects matrices");
  const Shape stack = broadcast_shape(stack_of(shape(a)), stack_of(shape(right)));
  const Value left = broadcast(node, a, with_stack(stack, shape(a)), ".left");
  right = broadcast(node, right, with_stack(stack, shape(right)), ".right");
  const Value y = emit(node, MatMul{}, {left, right});
  Shape wanted = stack;
  if (!row) wanted.append(shape(y)[shape(y).rank() - 2]);
  if (!column) wanted.append(shape(y)[shape(y).rank() - 1]);
  define(node, reshaped(node, y, wanted, ".shape"));
}

void Importer::reduce(const Node& node, bool mean, int64_t axes_are_input_since) {
  const Value x = value(node, 0);
  const Shape from = shape(x);
  const std::optional<std::vector<int64_t>> given = axes(node, axes_are_input_since, 1);
  const bool none = !given || given->empty();
  if (none && integer(node, "noop_with_empty_axes", 0) != 0) return define(node, x);
  Shape kept = from, squeezed;
  for (int i = 0; i < from.rank(); ++i)
    if (none) kept[i] = 1;
  if (!none)
    for (const int64_t i : *given) kept[axis(i, from.rank())] = 1;
  std::vector<char> reduced(static_cast<std::size_t>(from.rank()), none);
  if (!none)
    for (const int64_t i : *given) reduced[static_cast<std::size_t>(axis(i, from.rank()))] = true;
  for (int i = 0; i < from.rank(); ++i)
    if (!reduced[static_cast<std::size_t>(i)]) squeezed.append(from[i]);
  const bool image = mean && from.rank() == 4 && kept == Shape{from.n(), from.c(), 1, 1};
  const Value y = image ? emit(node, GlobalAveragePool{}, {x}) : emit(node, Reduce{.shape = kept, .mean = mean}, {x});
  define(node, integer(node, "keepdims", 1) != 0 ? y : reshaped(node, y, squeezed, ".squeeze"));
}

}  // namespace resnet::onnx
