// The conformance table: one row per op and shape. A harness builds a graph from a row, checks its gradients by finite
// differences on the reference backend, and compares every other backend with the reference. To cover a new op, add a
// row to its family's file; a test fails as long as an op of the variant has none.
#pragma once

#include "graph/graph.hpp"

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace resnet {

/// How the elements of an operand are drawn.
enum class Draw : uint8_t {
  normal,
  spaced,         // distinct odd multiples of 0.01: no ties, nothing near a kink at 0
  even,           // distinct even multiples of 0.01: sums with spaced ones stay away from 0
  positive,       // uniform in [0.5, 1.5): variances, divisors
  offset,         // normal around 100, where a one-pass variance fails
  probabilities,  // positive rows that sum to 1
  labels,         // i32 below `classes`
  key,            // i64
  given           // i32, the row's own numbers
};

struct Operand {
  Shape shape;
  Draw draw = Draw::normal;
  ValueKind kind = ValueKind::input;
  bool differentiable = true;
  int64_t classes = 0;
  std::vector<int32_t> given = {};

  DType dtype() const {
    return draw == Draw::labels || draw == Draw::given ? DType::i32 : draw == Draw::key ? DType::i64 : DType::f32;
  }
};

struct OpCase {
  std::string name;
  Op op;
  std::vector<Operand> operands;
  bool gradient = true;  // false: the op has none, only its forward half is compared
};

inline Operand data(Shape shape, Draw draw = Draw::normal) { return {.shape = shape, .draw = draw}; }
inline Operand constant(Shape shape, Draw draw = Draw::normal) {
  return {.shape = shape, .draw = draw, .differentiable = false};
}
inline Operand parameter(Shape shape, Draw draw = Draw::normal) {
  return {.shape = shape, .draw = draw, .kind = ValueKind::parameter};
}
inline Operand state(ValueKind kind, Shape shape, Draw draw = Draw::normal) {
  return {.shape = shape, .draw = draw, .kind = kind, .differentiable = false};
}
inline Operand labels(int64_t count, int64_t classes) {
  return {.shape = {count}, .draw = Draw::labels, .differentiable = false, .classes = classes};
}
inline Operand random_key() { return {.shape = {1}, .draw = Draw::key, .differentiable = false}; }
inline Operand positions(Shape shape, std::vector<int32_t> given) {
  return {.shape = shape, .draw = Draw::given, .differentiable = false, .given = std::move(given)};
}

struct OpFamily {
  const char* name;
  std::vector<OpCase> (*cases)();

  friend void PrintTo(const OpFamily& family, std::ostream* out) { *out << family.name; }
};

std::vector<OpCase> conv_cases();
std::vector<OpCase> generated_conv_cases();
std::vector<OpCase> large_conv_cases();
std::vector<OpCase> norm_cases();
std::vector<OpCase> pointwise_cases();
std::vector<OpCase> shape_cases();
std::vector<OpCase> pool_cases();
std::vector<OpCase> linear_cases();
std::vector<OpCase> loss_cases();
std::vector<OpCase> update_cases();
std::vector<OpCase> batch_inner_cases();

inline constexpr OpFamily families[] = {
    {"conv", conv_cases},
    {"generated_conv", generated_conv_cases},
    {"norm", norm_cases},
    {"large_conv", large_conv_cases},
    {"shape", shape_cases},
    {"pointwise", pointwise_cases},
    {"pool", pool_cases},
    {"linear", linear_cases},
    {"loss", loss_cases},
    {"update", update_cases},
    {"batch_inner", batch_inner_cases},
};

/// Those whose ops can work on bf16 images.
inline constexpr OpFamily image_families[] = {
    {"conv", conv_cases},
    {"generated_conv", generated_conv_cases},
    {"large_conv", large_conv_cases},
    {"norm", norm_cases},
    {"pointwise", pointwise_cases},
    {"pool", pool_cases},
    {"batch_inner", batch_inner_cases},
};

}  // namespace resnet
