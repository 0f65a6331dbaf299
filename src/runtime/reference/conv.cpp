// Convolution and its two gradients: the same walk over the taps of a filter, reading and writing other operands.
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"

namespace resnet::reference {
namespace {

struct Extents {
  Window window;
  Shape x;  // [N, C, H, W]
  Shape w;  // [O, C/groups, KH, KW]
  Shape y;  // [N, O, OH, OW]
  int64_t outputs_per_group;

  Extents(const Window& window_, int groups, const Shape& x_, const Shape& w_, const Shape& y_)
      : window(window_), x(x_), w(w_), y(y_), outputs_per_group(w_[0] / groups) {}

  /// The input channel that filter o sees as its channel i.
  int64_t input_channel(int64_t o, int64_t i) const { return o / outputs_per_group * w[1] + i; }
  int64_t x_plane(int64_t n, int64_t c) const { return (n * x.c() + c) * x.h() * x.w(); }
  int64_t y_plane(int64_t n, int64_t o) const { return (n * y.c() + o) * y.h() * y.w(); }
  int64_t filter(int64_t o, int64_t i) const { return (o * w[1] + i) * w[2] * w[3]; }
  int64_t macs() const { return y.elements() * w[1] * w[2] * w[3]; }
};

/// body(tap, y_at, x_at, count) for each tap of a filter and each output row it reaches inside the image: outputs
/// y_at, y_at + 1, ... of the plane see inputs x_at, x_at + stride_w, ... through that tap.
template <class Body>
void for_each_tap_row(const Extents& conv, const Body& body) {
  const Window& window = conv.window;
  for (int64_t kh = 0; kh < conv.w[2]; ++kh) {
    const int64_t offset_h = kh * window.dilation_h - window.pad_top;
    const Range rows = positions_inside(conv.y.h(), conv.x.h(), window.stride_h, offset_h);
    for (int64_t kw = 0; kw < conv.w[3]; ++kw) {
      const int64_t offset_w = kw * window.dilation_w - window.pad_left;
      const Range columns = positions_inside(conv.y.w(), conv.x.w(), window.stride_w, offset_w);
      for (int64_t row = rows.begin; row < rows.end; ++row)
        body(kh * conv.w[3] + kw, row * conv.y.w() + columns.begin,
             (row * window.stride_h + offset_h) * conv.x.w() + columns.begin * window.stride_w + offset_w,
             columns.end - columns.begin);
    }
  }
}

template <class T>
struct Operands {
  const T *x, *w, *bias, *residual;  // bias and residual may be null
  T* y;
};

/// y[n,o] = sum_i w[o,i] * x[n,i] + b[o] + residual[n,o]
template <class T>
void forward_plane(const Extents& conv, const Operands<T>& at, bool relu, int64_t n, int64_t o) {
  const int64_t area = conv.y.h() * conv.y.w();
  T* y = at.y + conv.y_plane(n, o);
  std::fill(y, y + area, at.bias ? at.bias[o] : T{0});
  for (int64_t i = 0; i < conv.w[1]; ++i) {
    const T* x = at.x + conv.x_plane(n, conv.input_channel(o, i));
    const T* w = at.w + conv.filter(o, i);
    for_each_tap_row(conv, [&](int64_t tap, int64_t y_at, int64_t x_at, int64_t count) {
      add_scaled(y + y_at, 1, w[tap], x + x_at, conv.window.stride_w, count);
    });
  }
  if (at.residual) add_scaled(y, 1, T{1}, at.residual + conv.y_plane(n, o), 1, area);
  if (relu) std::transform(y, y + area, y, rectified<T>);
}

/// dx[n,c] = sum over the filters o that see channel c of w[o,c] transposed * dy[n,o]
template <class T>
void input_gradient_plane(const Extents& conv, const T* w, const T* dy, T* dx, int64_t n, int64_t c) {
  const int64_t group = c / conv.w[1];
  T* dx_plane = dx + conv.x_plane(n, c);
  std::fill(dx_plane, dx_plane + conv.x.h() * conv.x.w(), T{0});
  for (int64_t o = group * conv.outputs_per_group; o < (group + 1) * conv.outputs_per_group; ++o) {
    const T* filter = w + conv.filter(o, c % conv.w[1]);
    const T* dy_plane = dy + conv.y_plane(n, o);
    for_each_tap_row(conv, [&](int64_t tap, int64_t y_at, int64_t x_at, int64_t count) {
      add_scaled(dx_plane + x_at, conv.window.stride_w, filter[tap], dy_plane + y_at, 1, count);
    });
  }
}

/// dw[o,i,tap] = sum_n <dy[n,o], the inputs that tap saw>
template <class T>
void filter_gradient(const Extents& conv, const T* x, const T* dy, T* dw, int64_t o, int64_t i) {
  T* filter = dw + conv.filter(o, i);
  std::fill(filter, filter + conv.w[2] * conv.w[3], T{0});
  const int64_t stride = conv.window.stride_w;
  for (int64_t n = 0; n < conv.x.n(); ++n) {
    const T* x_plane = x + conv.x_plane(n, conv.input_channel(o, i));
    const T* dy_plane = dy + conv.y_plane(n, o);
    for_each_tap_row(conv, [&](int64_t tap, int64_t y_at, int64_t x_at, int64_t count) {
      const T *dy_row = dy_plane + y_at, *x_row = x_plane + x_at;
      filter[tap] += stride == 1 ? sum_of<T>(count, [&](int64_t j) { return dy_row[j] * x_row[j]; })
                                 : sum_of<T>(count, [&](int64_t j) { return dy_row[j] * x_row[j * stride]; });
    });
  }
}

/// Weights as they meet images: rounded to bf16 if those are.
template <class T>
std::vector<T> weights_for(const T* w, int64_t count, DType images) {
  std::vector<T> weights(w, w + count);
  if (images == DType::bf16) round_to_bf16(weights.data(), count);
  return weights;
}

}  // namespace

void lower(const Conv& op, const Node& node, Lowering& to) {
  const Extents conv(op.window, op.groups, to.shape(node.inputs[0]), to.shape(node.inputs[1]),
                     to.shape(node.outputs[0]));
  const DType images = to.dtype(node.inputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const std::vector<T> w = weights_for(at.in(1), conv.w.elements(), images);
    const Operands<T> operands{at.in(0), w.data(), op.bias ? at.in(2) : nullptr,
                               op.add ? at.in(op.bias ? 3 : 2) : nullptr, at.out(0)};
    at.parallel(conv.y.n() * conv.y.c(), conv.macs(),
                [&](int64_t task) { forward_plane(conv, operands, op.relu, task / conv.y.c(), task % conv.y.c()); });
  });
}

void lower(const ConvGradInput& op, const Node& node, Lowering& to) {
  const Extents conv(op.window, op.groups, op.input, to.shape(node.inputs[0]), to.shape(node.inputs[1]));
  const DType images = to.dtype(node.inputs[1]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const std::vector<T> w = weights_for(at.in(0), conv.w.elements(), images);
    at.parallel(conv.x.n() * conv.x.c(), conv.macs(), [&](int64_t task) {
      input_gradient_plane(conv, w.data(), at.in(1), at.out(0), task / conv.x.c(), task % conv.x.c());
    });
  });
}

void lower(const ConvGradWeight& op, const Node& node, Lowering& to) {
  const Extents conv(op.window, op.groups, to.shape(node.inputs[0]), to.shape(node.outputs[0]),
                     to.shape(node.inputs[1]));
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(conv.w[0] * conv.w[1], conv.macs(), [&](int64_t task) {
      filter_gradient(conv, at.in(0), at.in(1), at.out(0), task / conv.w[1], task % conv.w[1]);
    });
  });
}

}  // namespace resnet::reference
