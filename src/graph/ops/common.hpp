// What the op families share: checks on inputs, and the answers of ops that cost nothing.
#pragma once

#include "base/error.hpp"
#include "graph/differentiate.hpp"
#include "graph/op_functions.hpp"

#include <string_view>

namespace resnet {

inline void expect_inputs(std::string_view op, Types inputs, std::size_t count) {
  if (inputs.size() != count) fail(op, ": expects ", count, " inputs, got ", inputs.size());
}

inline void expect_rank(std::string_view op, std::string_view what, const Shape& shape, int rank) {
  if (shape.rank() != rank) fail(op, ": ", what, " ", shape, " expects rank ", rank);
}

inline void expect_shape(std::string_view op, std::string_view what, const Shape& shape, const Shape& expected) {
  if (!(shape == expected)) fail(op, ": ", what, " expects ", expected, ", got ", shape);
}

}  // namespace resnet
