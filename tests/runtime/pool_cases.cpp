#include "base/error.hpp"
#include "runtime/op_case.hpp"

#include <algorithm>

namespace resnet {
namespace {

Shape pooled(const Shape& x, const Window& v, bool ceil_mode) {
  return {x.n(), x.c(),
          window_positions(x.h(), v.kernel_h, v.stride_h, v.pad_top, v.pad_bottom, v.dilation_h, ceil_mode),
          window_positions(x.w(), v.kernel_w, v.stride_w, v.pad_left, v.pad_right, v.dilation_w, ceil_mode)};
}

/// As if every window's maximum were its first element inside the image.
std::vector<int32_t> first_positions(const Shape& x, const Window& v, const Shape& y) {
  std::vector<int32_t> result;
  for (int64_t plane = 0; plane < y.n() * y.c(); ++plane)
    for (int64_t h = 0; h < y.h(); ++h)
      for (int64_t w = 0; w < y.w(); ++w)
        result.push_back(static_cast<int32_t>(std::max<int64_t>(h * v.stride_h - v.pad_top, 0) * x.w() +
                                              std::max<int64_t>(w * v.stride_w - v.pad_left, 0)));
  return result;
}

void add_window(std::vector<OpCase>& cases, const Shape& x, const Window& window, bool ceil_mode) {
  const Shape y = pooled(x, window, ceil_mode);
  if (y.h() < 1 || y.w() < 1) return;
  const std::string name = text_of(cases.size(), x, ceil_mode ? "_ceil" : "");
  cases.push_back({"max" + name, MaxPool{window, ceil_mode}, {data(x, Draw::spaced)}});
  cases.push_back(
      {"max_grad" + name, MaxPoolGrad{window, x}, {positions(y, first_positions(x, window, y)), data(y)}, false});
  for (const bool count_include_pad : {false, true}) {
    const std::string suffix = name + (count_include_pad ? "_padded" : "");
    cases.push_back({"average" + suffix, AveragePool{window, ceil_mode, count_include_pad}, {data(x)}});
    cases.push_back({"average_grad" + suffix, AveragePoolGrad{window, count_include_pad, x}, {data(y)}, false});
  }
}

}  // namespace

std::vector<OpCase> pool_cases() {
  const Window windows[] = {
      square_window(2, 2),      square_window(3, 2, 1),    square_window(3, 1, 1),         square_window(2, 3),
      square_window(3, 2),      square_window(1, 2),       square_window(5, 4, 2),         {3, 2, 2, 1, 1, 0, 0, 1},
      {2, 3, 1, 2, 0, 2, 1, 0}, square_window(3, 1, 0, 2), {2, 3, 2, 1, 0, 0, 0, 0, 3, 1},
  };
  const Shape images[] = {{2, 3, 1, 1}, {1, 5, 2, 2}, {3, 7, 5, 4}, {2, 16, 8, 8}, {17, 3, 7, 6}};
  std::vector<OpCase> cases;
  for (const Window& window : windows)
    for (const Shape& x : images)
      for (const bool ceil_mode : {false, true}) add_window(cases, x, window, ceil_mode);
  add_window(cases, {4, 16, 32, 32}, square_window(3, 2, 1), false);
  for (const Shape& x : {Shape{2, 3, 1, 1}, Shape{1, 5, 7, 7}, Shape{3, 17, 4, 5}, Shape{8, 64, 8, 8}}) {
    cases.push_back({"global" + to_string(x), GlobalAveragePool{}, {data(x)}});
    cases.push_back({"global_grad" + to_string(x), GlobalAveragePoolGrad{x}, {data({x.n(), x.c(), 1, 1})}, false});
  }
  return cases;
}

}  // namespace resnet
