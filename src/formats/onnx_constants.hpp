// What the importer does with constants at once.
#pragma once

#include "base/tensor.hpp"
#include "runtime/strides.hpp"

namespace resnet::onnx {

/// The elements of `source` at the walk's positions.
Tensor gathered(const Tensor& source, const Walk& walk);

/// The same elements in another shape. Error (bad model): there are more or fewer.
Tensor with_shape(const Tensor& source, const Shape& shape);

/// Error (bad model): a constant of this shape would take more memory than any honest file needs.
void expect_reasonable(const Shape& shape);

}  // namespace resnet::onnx
