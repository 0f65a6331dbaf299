#include "base/tensor.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace resnet {
namespace {

template <class Action>
void with_element_type(DType dtype, Action&& action) {
  switch (dtype) {
    case DType::f32: return action(float{});
    case DType::f64: return action(double{});
    case DType::i32: return action(int32_t{});
    case DType::i64: return action(int64_t{});
    case DType::u8: return action(uint8_t{});
    case DType::bf16: break;
  }
  fail("tensor: no host conversion for ", dtype);
}

}  // namespace

Tensor convert(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  Tensor result(tensor.shape(), dtype);
  with_element_type(tensor.dtype(), [&]<class From>(From) {
    with_element_type(dtype, [&]<class To>(To) {
      std::ranges::transform(tensor.data<From>(), result.data<To>().begin(), [](From x) { return static_cast<To>(x); });
    });
  });
  return result;
}

}  // namespace resnet
