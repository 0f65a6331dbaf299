// Inner loops shared by the reference kernels: simple, yet such that the compiler can vectorise them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace resnet::reference {

/// Sum of term(i) over 0 .. count - 1 in eight interleaved partial sums: vectorisable, in one fixed order.
template <class T, class Term>
T sum_of(int64_t count, const Term& term) {
  constexpr int lanes = 8;
  T partial[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) partial[lane] += term(i + lane);
  T rest = 0;
  for (; i < count; ++i) rest += term(i);
  return ((partial[0] + partial[1]) + (partial[2] + partial[3])) +
         ((partial[4] + partial[5]) + (partial[6] + partial[7])) + rest;
}

/// y += a x over `count` elements that lie `y_stride` and `x_stride` apart.
template <class T>
void add_scaled(T* __restrict y, int64_t y_stride, T a, const T* __restrict x, int64_t x_stride, int64_t count) {
  if (y_stride == 1 && x_stride == 1) {
    for (int64_t i = 0; i < count; ++i) y[i] += a * x[i];
  } else {
    for (int64_t i = 0; i < count; ++i) y[i * y_stride] += a * x[i * x_stride];
  }
}

/// max(x, 0) that lets NaN through.
template <class T>
T rectified(T x) {
  return x <= 0 ? T{0} : x;
}

struct Range {
  int64_t begin = 0, end = 0;
};

/// The output positions p for which position p * stride + offset lies inside an input of that size.
inline Range positions_inside(int64_t outputs, int64_t input, int64_t stride, int64_t offset) {
  const int64_t begin = offset < 0 ? (stride - 1 - offset) / stride : 0;
  const int64_t end = offset < input ? std::min((input - 1 - offset) / stride + 1, outputs) : 0;
  return {begin, std::max(begin, end)};
}

}  // namespace resnet::reference
