// Element by element: activations, arithmetic, and the plane kernels of squeeze-and-excitation.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

namespace {

// e^x to about 2e-7 (Cephes: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]); branch-free, so that loops vectorise.
float exponential(float x) {
  x = x > 88.f ? 88.f : x;
  x = x < -87.f ? -87.f : x;
  const float shifted = x * 1.44269504f + 12582912.f;  // 1.5 * 2^23: the sum rounds to an integer
  const float n = shifted - 12582912.f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  return p * __builtin_bit_cast(float, bits);
}

// A NaN must stay one: the clamps above would hide it.
float sigmoid(float x) { return x != x ? x : 1.f / (1.f + exponential(-x)); }

template <class F>
void each(const float* x, float* y, int64_t count, F f) {
  for (int64_t i = 0; i < count; ++i) y[i] = f(x[i]);
}
template <class F>
void each(const float* a, const float* b, float* y, int64_t count, F f) {
  for (int64_t i = 0; i < count; ++i) y[i] = f(a[i], b[i]);
}

template <class F>
void arithmetic(bool relu, const float* a, const float* b, float* y, int64_t count, F f) {
  if (!relu) return each(a, b, y, count, f);
  each(a, b, y, count, [f](float u, float v) {
    const float sum = f(u, v);
    return sum < 0.f ? 0.f : sum;
  });
}

}  // namespace

void unary(const Unary& op, const float* x, float* y, int64_t count) {
  const float a = op.a, b = op.b;
  switch (op.kind) {
    case UnaryKind::relu: return each(x, y, count, [](float v) { return v < 0.f ? 0.f : v; });
    case UnaryKind::leaky_relu: return each(x, y, count, [a](float v) { return v > 0.f ? v : a * v; });
    case UnaryKind::clip:
      return each(x, y, count, [a, b](float v) {
        const float low = v < a ? a : v;
        return low > b ? b : low;
      });
    case UnaryKind::sigmoid: return each(x, y, count, sigmoid);
    case UnaryKind::affine: return each(x, y, count, [a, b](float v) { return a * v + b; });
  }
}

void unary_gradient(const UnaryGrad& op, const float* y, const float* dy, float* dx, int64_t count) {
  const float a = op.a, b = op.b;
  switch (op.kind) {
    case UnaryKind::relu: return each(y, dy, dx, count, [](float v, float d) { return v > 0.f ? d : 0.f; });
    case UnaryKind::leaky_relu: return each(y, dy, dx, count, [a](float v, float d) { return v > 0.f ? d : a * d; });
    case UnaryKind::clip:
      return each(y, dy, dx, count, [a, b](float v, float d) { return ((v <= a) | (v >= b)) ? 0.f : d; });
    case UnaryKind::sigmoid: return each(y, dy, dx, count, [](float v, float d) { return d * v * (1.f - v); });
    case UnaryKind::affine: return each(dy, dx, count, [a](float d) { return a * d; });
  }
}

void binary(const Binary& op, const float* a, const float* b, float* y, int64_t count) {
  switch (op.kind) {
    case BinaryKind::add: return arithmetic(op.relu, a, b, y, count, [](float u, float v) { return u + v; });
    case BinaryKind::subtract: return arithmetic(op.relu, a, b, y, count, [](float u, float v) { return u - v; });
    case BinaryKind::multiply: return arithmetic(op.relu, a, b, y, count, [](float u, float v) { return u * v; });
    case BinaryKind::divide: return arithmetic(op.relu, a, b, y, count, [](float u, float v) { return u / v; });
  }
}

void scale_plane(const float* x, const float* scale, float* y, int64_t pixels) {
  const Vec factor = load(scale);
  for (int64_t i = 0; i < pixels * block; i += block) store(y + i, load(x + i) * factor);
}

void fill_plane(const float* value, float* y, int64_t pixels) {
  const Vec filled = load(value);
  for (int64_t i = 0; i < pixels * block; i += block) store(y + i, filled);
}

void dot_planes(const Planes& planes, const float* a, const float* b, double* sum) {
  constexpr int64_t chunk = 256;  // summed in float, chunks in double
  for (int lane = 0; lane < block; ++lane) sum[lane] = 0;
  for (int64_t n = 0; n < planes.images; ++n)
    for (int64_t p = 0; p < planes.pixels; p += chunk) {
      const int64_t begin = n * planes.stride + p * block;
      const int64_t end = begin + (planes.pixels - p < chunk ? planes.pixels - p : chunk) * block;
      Vec total = {};
      for (int64_t i = begin; i < end; i += block) total += b ? load(a + i) * load(b + i) : load(a + i);
      for (int lane = 0; lane < block; ++lane) sum[lane] += static_cast<double>(total[lane]);
    }
}

}  // namespace resnet::cpu::RESNET_ISA
