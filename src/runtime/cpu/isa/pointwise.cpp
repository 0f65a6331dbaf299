// Element by element: activations, arithmetic, changes of type, and the plane kernels of squeeze-and-excitation.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

namespace {

// e^x to about 2e-7 (Cephes: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]).
Vec exponential(Vec x) {
  x = x > splat(88.f) ? splat(88.f) : x;
  x = x < splat(-87.f) ? splat(-87.f) : x;
  const Vec shifted = x * 1.44269504f + 12582912.f;  // 1.5 * 2^23: the sum rounds to an integer
  const Vec n = shifted - 12582912.f;
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  const IntVec bits = (__builtin_convertvector(n, IntVec) + 127) << 23;
  return p * reinterpret_cast<Vec>(bits);
}

// A NaN must stay one: the clamps above would hide it.
Vec sigmoid(Vec x) { return x == x ? splat(1.f) / (splat(1.f) + exponential(-x)) : x; }

// Elements past the last whole vector go through the same arithmetic in a padded one.
template <class T>
Vec load_some(const T* x, int64_t count) {
  T padded[block] = {};
  for (int64_t i = 0; i < count; ++i) padded[i] = x[i];
  return load(padded);
}
template <class T>
void store_some(T* y, const Vec& v, int64_t count) {
  T padded[block];
  store(padded, v);
  for (int64_t i = 0; i < count; ++i) y[i] = padded[i];
}

// y may be x, a or b.
template <class From, class To, class F>
void each(const From* x, To* y, int64_t count, F f) {
  int64_t i = 0;
  for (; i + block <= count; i += block) store(y + i, f(load(x + i)));
  if (i < count) store_some(y + i, f(load_some(x + i, count - i)), count - i);
}
template <class T, class F>
void each(const T* a, const T* b, T* y, int64_t count, F f) {
  int64_t i = 0;
  for (; i + block <= count; i += block) store(y + i, f(load(a + i), load(b + i)));
  if (i < count) store_some(y + i, f(load_some(a + i, count - i), load_some(b + i, count - i)), count - i);
}

template <class T, class F>
void arithmetic(bool relu, const T* a, const T* b, T* y, int64_t count, F f) {
  if (relu) return each(a, b, y, count, [f](Vec u, Vec v) { return rectify(f(u, v)); });
  each(a, b, y, count, f);
}

template <class T>
void unary(const Unary& op, const T* x, T* y, int64_t count) {
  const float a = op.a, b = op.b;
  switch (op.kind) {
    case UnaryKind::relu: return each(x, y, count, [](Vec v) { return rectify(v); });
    case UnaryKind::leaky_relu: return each(x, y, count, [a](Vec v) { return v > Vec{} ? v : a * v; });
    case UnaryKind::clip:
      return each(x, y, count, [a, b](Vec v) {
        const Vec low = v < splat(a) ? splat(a) : v;
        return low > splat(b) ? splat(b) : low;
      });
    case UnaryKind::sigmoid: return each(x, y, count, [](Vec v) { return sigmoid(v); });
    case UnaryKind::affine: return each(x, y, count, [a, b](Vec v) { return a * v + b; });
  }
}

template <class T>
void unary_gradient(const UnaryGrad& op, const T* y, const T* dy, T* dx, int64_t count) {
  const float a = op.a, b = op.b;
  switch (op.kind) {
    case UnaryKind::relu: return each(y, dy, dx, count, [](Vec v, Vec d) { return where_positive(v, d); });
    case UnaryKind::leaky_relu: return each(y, dy, dx, count, [a](Vec v, Vec d) { return v > Vec{} ? d : a * d; });
    case UnaryKind::clip:
      return each(y, dy, dx, count, [a, b](Vec v, Vec d) {
        const IntVec outside = (v <= splat(a)) | (v >= splat(b));
        return outside ? Vec{} : d;
      });
    case UnaryKind::sigmoid: return each(y, dy, dx, count, [](Vec v, Vec d) { return d * v * (1.f - v); });
    case UnaryKind::affine: return each(dy, dx, count, [a](Vec d) { return a * d; });
  }
}

template <class T>
void binary(const Binary& op, const T* a, const T* b, T* y, int64_t count) {
  switch (op.kind) {
    case BinaryKind::add: return arithmetic(op.relu, a, b, y, count, [](Vec u, Vec v) { return u + v; });
    case BinaryKind::subtract: return arithmetic(op.relu, a, b, y, count, [](Vec u, Vec v) { return u - v; });
    case BinaryKind::multiply: return arithmetic(op.relu, a, b, y, count, [](Vec u, Vec v) { return u * v; });
    case BinaryKind::divide: return arithmetic(op.relu, a, b, y, count, [](Vec u, Vec v) { return u / v; });
  }
}

template <class T>
void join_gradients(const T* mask, const T* other, T* dx, int64_t count) {
  if (!other) return each(mask, dx, dx, count, [](Vec v, Vec d) { return where_positive(v, d); });
  if (!mask) return each(dx, other, dx, count, [](Vec d, Vec e) { return d + e; });
  int64_t i = 0;
  for (; i + block <= count; i += block) store(dx + i, where_positive(load(mask + i), load(dx + i) + load(other + i)));
  if (i == count) return;
  const Vec sum = load_some(dx + i, count - i) + load_some(other + i, count - i);
  store_some(dx + i, where_positive(load_some(mask + i, count - i), sum), count - i);
}

template <class T>
void from_float(const float* x, T* y, int64_t count) {
  each(x, y, count, [](Vec v) { return v; });
}

template <class T>
void to_float(const T* x, float* y, int64_t count) {
  each(x, y, count, [](Vec v) { return v; });
}

template <class T>
void scale_plane(const T* x, const T* scale, T* y, int64_t pixels, int64_t pixel) {
  const Vec factor = load(scale);
  for (int64_t i = 0; i < pixels * pixel; i += pixel) store(y + i, load(x + i) * factor);
}

template <class T>
void fill_plane(const float* value, T* y, int64_t pixels, int64_t pixel) {
  const Vec filled = load(value);
  for (int64_t i = 0; i < pixels * pixel; i += pixel) store(y + i, filled);
}

template <class T>
void dot_planes(const Planes& planes, const T* a, const T* b, double* sum) {
  constexpr int64_t chunk = 256;  // summed in float, chunks in double
  for (int lane = 0; lane < block; ++lane) sum[lane] = 0;
  for (int64_t n = 0; n < planes.images; ++n)
    for (int64_t p = 0; p < planes.pixels; p += chunk) {
      const int64_t begin = n * planes.stride + p * planes.pixel;
      const int64_t end = begin + (planes.pixels - p < chunk ? planes.pixels - p : chunk) * planes.pixel;
      Vec total = {};
      for (int64_t i = begin; i < end; i += planes.pixel) total += b ? load(a + i) * load(b + i) : load(a + i);
      for (int lane = 0; lane < block; ++lane) sum[lane] += static_cast<double>(total[lane]);
    }
}

}  // namespace

template <class T>
void add_pointwise(ImageKernels<T>& table) {
  table.unary = unary<T>;
  table.unary_gradient = unary_gradient<T>;
  table.binary = binary<T>;
  table.join_gradients = join_gradients<T>;
  table.from_float = from_float<T>;
  table.to_float = to_float<T>;
  table.scale_plane = scale_plane<T>;
  table.fill_plane = fill_plane<T>;
  table.dot_planes = dot_planes<T>;
}
template void add_pointwise(ImageKernels<float>&);
template void add_pointwise(ImageKernels<BFloat16>&);

}  // namespace resnet::cpu::RESNET_ISA
