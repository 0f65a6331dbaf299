// Elementwise functions, channel scaling, dropout, casts and constants.
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"

#include <cmath>
#include <limits>

namespace resnet::reference {
namespace {

template <class T>
T apply(const Unary& op, T x) {
  const T a = static_cast<T>(op.a), b = static_cast<T>(op.b);
  switch (op.kind) {
    case UnaryKind::relu: return rectified(x);
    case UnaryKind::leaky_relu: return x > 0 ? x : a * x;
    case UnaryKind::clip: return x < a ? a : (x > b ? b : x);
    case UnaryKind::sigmoid: return 1 / (1 + std::exp(-x));
    case UnaryKind::affine: return a * x + b;
  }
  return x;
}

/// dy/dx as a function of y.
template <class T>
T slope(const UnaryGrad& op, T y) {
  const T a = static_cast<T>(op.a), b = static_cast<T>(op.b);
  switch (op.kind) {
    case UnaryKind::relu: return y <= 0 ? T{0} : T{1};
    case UnaryKind::leaky_relu: return y > 0 ? T{1} : a;
    case UnaryKind::clip: return y <= a || y >= b ? T{0} : T{1};
    case UnaryKind::sigmoid: return y * (1 - y);
    case UnaryKind::affine: return a;
  }
  return 1;
}

template <class T>
T apply(BinaryKind kind, T a, T b) {
  switch (kind) {
    case BinaryKind::add: return a + b;
    case BinaryKind::subtract: return a - b;
    case BinaryKind::multiply: return a * b;
    case BinaryKind::divide: return a / b;
  }
  return a;
}

}  // namespace

void lower(const Unary& op, const Node& node, Lowering& to) {
  const int64_t count = to.shape(node.inputs[0]).elements();
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const T* x = at.in(0);
    T* y = at.out(0);
    for (int64_t i = 0; i < count; ++i) y[i] = apply(op, x[i]);
  });
}

void lower(const UnaryGrad& op, const Node& node, Lowering& to) {
  const int64_t count = to.shape(node.inputs[0]).elements();
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const T *y = at.in(0), *dy = at.in(1);
    T* dx = at.out(0);
    for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * slope(op, y[i]);
  });
}

void lower(const Binary& op, const Node& node, Lowering& to) {
  const int64_t count = to.shape(node.inputs[0]).elements();
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const T *a = at.in(0), *b = at.in(1);
    T* y = at.out(0);
    for (int64_t i = 0; i < count; ++i) {
      const T value = apply(op.kind, a[i], b[i]);
      y[i] = op.relu ? rectified(value) : value;
    }
  });
}

// y[n,c,:,:] = x[n,c,:,:] * s[n,c]
void lower(const ScaleChannels&, const Node& node, Lowering& to) {
  const int64_t planes = to.shape(node.inputs[1]).elements();
  const int64_t area = to.shape(node.inputs[0]).elements() / planes;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const T *x = at.in(0), *scale = at.in(1);
    T* y = at.out(0);
    for (int64_t plane = 0; plane < planes; ++plane)
      for (int64_t i = plane * area; i < (plane + 1) * area; ++i) y[i] = x[i] * scale[plane];
  });
}

// s[n,c] = sum over h, w of a[n,c,h,w] * b[n,c,h,w]
void lower(const ChannelDot&, const Node& node, Lowering& to) {
  const int64_t planes = to.shape(node.outputs[0]).elements();
  const int64_t area = to.shape(node.inputs[0]).elements() / planes;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    for (int64_t plane = 0; plane < planes; ++plane) {
      const T *a = at.in(0) + plane * area, *b = at.in(1) + plane * area;
      at.out(0)[plane] = sum_of<T>(area, [&](int64_t i) { return a[i] * b[i]; });
    }
  });
}

void lower(const Dropout& op, const Node& node, Lowering& to) {
  const Shape shape = to.shape(node.inputs[0]);
  const int64_t units = op.per_image ? shape.n() : shape.elements();
  const int64_t unit = shape.elements() / units;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const uint64_t key = at.key(1);
    const T kept = op.rescale ? 1 / (1 - static_cast<T>(op.probability)) : T{1};
    const T* x = at.in(0);
    T* y = at.out(0);
    for (int64_t index = 0; index < units; ++index) {
      const bool keep = dropout_keeps(key, op.salt, static_cast<uint64_t>(index), op.probability);
      for (int64_t i = index * unit; i < (index + 1) * unit; ++i) y[i] = keep ? x[i] * kept : T{0};
    }
  });
}

void lower(const Cast&, const Node& node, Lowering& to) {
  const int64_t count = to.shape(node.inputs[0]).elements();
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    std::copy_n(at.in(0), count, at.out(0));  // the step rounds
  });
}

void lower(const StopGradient&, const Node& node, Lowering& to) { to.share(node); }

void lower(const Fill& op, const Node& node, Lowering& to) {
  const int64_t count = op.shape.elements();
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    if (op.dtype == DType::i32) {
      std::fill_n(at.integers_out(0), count, static_cast<int32_t>(op.value));
    } else {
      std::fill_n(at.out(0), count, static_cast<T>(op.value));
    }
  });
}

}  // namespace resnet::reference
