// Max, average and global average pooling.
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"

#include <cmath>
#include <limits>

namespace resnet::reference {
namespace {

/// The taps of one window along one axis.
struct Taps {
  int64_t start, step, end;  // positions start, start + step, ... below end that lie inside the input
  int64_t padded_count;      // taps inside input plus padding

  Taps(int64_t output, int64_t input, int kernel, int stride, int pad_before, int pad_after, int dilation)
      : start(output * stride - pad_before), step(dilation), end(start + int64_t{kernel} * dilation) {
    const int64_t padded_end = std::min(end, input + pad_after);
    padded_count = (padded_end - start + step - 1) / step;
    if (start < 0) start += (step - 1 - start) / step * step;
    end = std::min(end, input);
  }
  int64_t count() const { return end > start ? (end - start + step - 1) / step : 0; }
};

Taps rows_of(const Window& window, int64_t output, int64_t height) {
  return {output, height, window.kernel_h, window.stride_h, window.pad_top, window.pad_bottom, window.dilation_h};
}
Taps columns_of(const Window& window, int64_t output, int64_t width) {
  return {output, width, window.kernel_w, window.stride_w, window.pad_left, window.pad_right, window.dilation_w};
}

/// body(y_at, rows, columns) for each output of one plane.
template <class Body>
void for_each_window(const Window& window, const Shape& x, const Shape& y, const Body& body) {
  for (int64_t oh = 0; oh < y.h(); ++oh)
    for (int64_t ow = 0; ow < y.w(); ++ow)
      body(oh * y.w() + ow, rows_of(window, oh, x.h()), columns_of(window, ow, x.w()));
}

/// The position of the first maximum; of the last NaN if there is one, as in PyTorch.
template <class T>
int64_t maximum_position(const T* x, int64_t width, const Taps& rows, const Taps& columns) {
  int64_t best = rows.start * width + columns.start;
  for (int64_t h = rows.start; h < rows.end; h += rows.step)
    for (int64_t w = columns.start; w < columns.end; w += columns.step)
      if (const int64_t at = h * width + w; x[at] > x[best] || std::isnan(x[at])) best = at;
  return best;
}

int64_t divisor(const Taps& rows, const Taps& columns, bool count_include_pad) {
  return count_include_pad ? rows.padded_count * columns.padded_count : rows.count() * columns.count();
}

}  // namespace

void lower(const MaxPool& op, const Node& node, Lowering& to) {
  const Shape x = to.shape(node.inputs[0]), y = to.shape(node.outputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(x.n() * x.c(), y.elements() * op.window.kernel_h * op.window.kernel_w, [&](int64_t plane) {
      const T* x_plane = at.in(0) + plane * x.h() * x.w();
      T* y_plane = at.out(0) + plane * y.h() * y.w();
      int32_t* positions = at.integers_out(1) + plane * y.h() * y.w();
      for_each_window(op.window, x, y, [&](int64_t y_at, const Taps& rows, const Taps& columns) {
        const int64_t position = maximum_position(x_plane, x.w(), rows, columns);
        y_plane[y_at] = x_plane[position];
        positions[y_at] = static_cast<int32_t>(position);
      });
    });
  });
}

void lower(const MaxPoolGrad& op, const Node& node, Lowering& to) {
  const Shape x = op.input, y = to.shape(node.inputs[1]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const int64_t x_area = x.h() * x.w(), y_area = y.h() * y.w();
    std::fill_n(at.out(0), x.elements(), T{0});
    for (int64_t i = 0; i < y.elements(); ++i) at.out(0)[i / y_area * x_area + at.integers_in(0)[i]] += at.in(1)[i];
  });
}

void lower(const AveragePool& op, const Node& node, Lowering& to) {
  const Shape x = to.shape(node.inputs[0]), y = to.shape(node.outputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(x.n() * x.c(), y.elements() * op.window.kernel_h * op.window.kernel_w, [&](int64_t plane) {
      const T* x_plane = at.in(0) + plane * x.h() * x.w();
      T* y_plane = at.out(0) + plane * y.h() * y.w();
      for_each_window(op.window, x, y, [&](int64_t y_at, const Taps& rows, const Taps& columns) {
        T sum = 0;
        for (int64_t h = rows.start; h < rows.end; h += rows.step)
          for (int64_t w = columns.start; w < columns.end; w += columns.step) sum += x_plane[h * x.w() + w];
        y_plane[y_at] = sum / static_cast<T>(divisor(rows, columns, op.count_include_pad));
      });
    });
  });
}

void lower(const AveragePoolGrad& op, const Node& node, Lowering& to) {
  const Shape x = op.input, y = to.shape(node.inputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(x.n() * x.c(), y.elements() * op.window.kernel_h * op.window.kernel_w, [&](int64_t plane) {
      const T* dy_plane = at.in(0) + plane * y.h() * y.w();
      T* dx_plane = at.out(0) + plane * x.h() * x.w();
      std::fill_n(dx_plane, x.h() * x.w(), T{0});
      for_each_window(op.window, x, y, [&](int64_t y_at, const Taps& rows, const Taps& columns) {
        const T share = dy_plane[y_at] / static_cast<T>(divisor(rows, columns, op.count_include_pad));
        for (int64_t h = rows.start; h < rows.end; h += rows.step)
          for (int64_t w = columns.start; w < columns.end; w += columns.step) dx_plane[h * x.w() + w] += share;
      });
    });
  });
}

void lower(const GlobalAveragePool&, const Node& node, Lowering& to) {
  const int64_t planes = to.shape(node.outputs[0]).elements();
  const int64_t area = to.shape(node.inputs[0]).elements() / planes;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    for (int64_t plane = 0; plane < planes; ++plane) {
      const T* x = at.in(0) + plane * area;
      at.out(0)[plane] = sum_of<T>(area, [&](int64_t i) { return x[i]; }) / static_cast<T>(area);
    }
  });
}

void lower(const GlobalAveragePoolGrad& op, const Node& node, Lowering& to) {
  const int64_t planes = to.shape(node.inputs[0]).elements();
  const int64_t area = op.input.elements() / planes;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    for (int64_t plane = 0; plane < planes; ++plane)
      std::fill_n(at.out(0) + plane * area, area, at.in(0)[plane] / static_cast<T>(area));
  });
}

}  // namespace resnet::reference
