// Operators that make constants, or are supported on constants only.
#include "formats/onnx_constants.hpp"

#include "base/error.hpp"
#include "formats/onnx_importer.hpp"

#include <algorithm>
#include <cstring>

namespace resnet::onnx {

void expect_reasonable(const Shape& shape) {
  double elements = 1;
  for (const int64_t extent : shape) elements *= static_cast<double>(extent);
  if (elements > 1u << 24) fail_model("a constant of ", shape, " is too large");
}

Tensor gathered(const Tensor& source, const Walk& walk) {
  Tensor result(walk.shape, source.dtype());
  const std::size_t width = size_of(source.dtype());
  walk.each(0, walk.shape.elements(), [&](int64_t element, int64_t position) {
    std::memcpy(result.bytes().data() + static_cast<std::size_t>(element) * width,
                source.bytes().data() + static_cast<std::size_t>(position) * width, width);
  });
  return result;
}

Tensor with_shape(const Tensor& source, const Shape& shape) {
  Tensor result(shape, source.dtype());
  if (result.bytes().size() != source.bytes().size()) fail_model(source.shape(), " cannot become ", shape);
  std::ranges::copy(source.bytes(), result.bytes().begin());
  return result;
}

void Importer::constant_node(const Node& node) {
  for (const Attribute& attribute : node.attributes) {
    if (attribute.tensor) return define(node, *attribute.tensor);
    Tensor number(Shape{});
    number.data<float>()[0] = attribute.real;
    if (attribute.name == "value_float") return define(node, number);
    if (attribute.name == "value_int") return define(node, with_shape(tensor_of({attribute.integer}), {}));
    if (attribute.name == "value_ints") return define(node, tensor_of(attribute.integers));
    if (attribute.name == "value_floats") {
      Tensor numbers(Shape{static_cast<int64_t>(attribute.reals.size())});
      std::ranges::copy(attribute.reals, numbers.data<float>().begin());
      return define(node, numbers);
    }
  }
  fail_model("has no value of a supported kind");
}

void Importer::constant_of_shape(const Node& node) {
  Shape wanted;
  const std::vector<int64_t> extents = integers(node, 0, "the shape");
  if (extents.size() > Shape::max_rank) fail_model("a constant of rank ", extents.size());
  for (const int64_t extent : extents) {
    if (extent < 0) fail_model("a negative extent, ", extent);
    wanted.append(extent);
  }
  expect_reasonable(wanted);
  const Attribute* attribute = find(node, "value");
  const Tensor number = attribute && attribute->tensor ? *attribute->tensor : Tensor(Shape{1});
  if (number.elements() != 1) fail_model("its value is not one number");
  Walk same{wanted};
  define(node, gathered(number, same));
}

void Importer::shape_node(const Node& node) {
  const Shape from = shape_of(operand(node, 0));
  const int64_t rank = from.rank();
  const auto bound = [&](const char* name, int64_t otherwise) {
    const int64_t at = integer(node, name, otherwise);
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  std::vector<int64_t> extents;
  for (int64_t i = bound("start", 0); i < bound("end", rank); ++i) extents.push_back(from[static_cast<int>(i)]);
  define(node, tensor_of(extents));
}

}  // namespace resnet::onnx
