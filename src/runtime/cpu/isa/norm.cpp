// Batch norm of one channel block: statistics, normalisation, gradient. A chunk of pixels is summed in float while it
// is in the first cache, chunks are joined in double (Chan, Golub & LeVeque 1979), so that neither a large mean nor
// many images cost digits.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

namespace {

// 256 pixels of 16 channels are 16 KiB.
constexpr int64_t chunk = 256;

struct Sums {
  Vec a = {}, b = {}, c = {}, d = {};  // four, since one chain of additions would wait for itself
  Vec total() const { return (a + b) + (c + d); }
};

// Sums of x - pivot and of its square, in one pass.
template <class T>
void add_moments(const T* x, Vec pivot, int64_t pixels, Vec& sum, Vec& squares) {
  Sums first, second;
  const auto add = [pivot](Vec& total, Vec& total_squares, const T* at) {
    const Vec d = load(at) - pivot;
    total += d;
    total_squares += d * d;
  };
  int64_t p = 0;
  for (; p + 4 <= pixels; p += 4, x += 4 * block) {
    add(first.a, second.a, x);
    add(first.b, second.b, x + block);
    add(first.c, second.c, x + 2 * block);
    add(first.d, second.d, x + 3 * block);
  }
  for (; p < pixels; ++p, x += block) add(first.a, second.a, x);
  sum = first.total();
  squares = second.total();
}

struct Masked {
  Vec mean, scale, shift;
  bool relu;
};

template <bool relu, class T>
void add_gradient(const Masked& m, const T* x, const T* dy, int64_t pixels, Vec& sum_dy, Vec& sum_dy_x) {
  Sums first, second;
  const auto add = [&m](Vec& total, Vec& total_x, const T* x_at, const T* dy_at) {
    const Vec value = load(x_at);
    Vec d = load(dy_at);
    if constexpr (relu) d = where_positive(multiply_add(value, m.scale, m.shift), d);
    total += d;
    total_x += d * (value - m.mean);
  };
  int64_t p = 0;
  for (; p + 4 <= pixels; p += 4, x += 4 * block, dy += 4 * block) {
    add(first.a, second.a, x, dy);
    add(first.b, second.b, x + block, dy + block);
    add(first.c, second.c, x + 2 * block, dy + 2 * block);
    add(first.d, second.d, x + 3 * block, dy + 3 * block);
  }
  for (; p < pixels; ++p, x += block, dy += block) add(first.a, second.a, x, dy);
  sum_dy = first.total();
  sum_dy_x = second.total();
}

template <bool add, bool relu, class T>
void normalise_planes(const Planes& planes, const T* x, const T* residual, T* y, Vec scale, Vec shift) {
  for (int64_t n = 0; n < planes.images; ++n) {
    const int64_t start = n * planes.stride;
    for (int64_t i = start; i < start + planes.pixels * block; i += block) {
      Vec value = multiply_add(load(x + i), scale, shift);
      if constexpr (add) value += load(residual + i);
      store(y + i, relu ? rectify(value) : value);
    }
  }
}

template <bool relu, class T>
void gradient_planes(const Planes& planes, const T* x, const T* dy, T* dx, const Masked& m, Vec slope, Vec offset) {
  for (int64_t n = 0; n < planes.images; ++n) {
    const int64_t start = n * planes.stride;
    for (int64_t i = start; i < start + planes.pixels * block; i += block) {
      const Vec value = load(x + i);
      Vec d = load(dy + i);
      if constexpr (relu) d = where_positive(multiply_add(value, m.scale, m.shift), d);
      store(dx + i, m.scale * d + (slope * (value - m.mean) + offset));
    }
  }
}

template <class T>
void moments(const Planes& planes, const T* x, double* mean, double* squares) {
  double count = 0;
  for (int lane = 0; lane < block; ++lane) mean[lane] = squares[lane] = 0;
  for (int64_t n = 0; n < planes.images; ++n)
    for (int64_t p = 0; p < planes.pixels; p += chunk) {
      const T* at = x + n * planes.stride + p * block;
      const int64_t pixels = planes.pixels - p < chunk ? planes.pixels - p : chunk;
      const auto number = static_cast<double>(pixels);
      // About the chunk's first pixel: since that is one of the numbers, its distance from the mean cannot exceed
      // sqrt(pixels) deviations, so the subtraction below costs no more digits than log2(pixels) bits.
      const Vec pivot = load(at);
      Vec total, squares_about_pivot;
      add_moments(at, pivot, pixels, total, squares_about_pivot);
      const Vec shift = total / static_cast<float>(pixels);
      const Vec chunk_mean = pivot + shift;
      const Vec chunk_squares = rectify(squares_about_pivot - total * shift);
      const double share = number / (count + number);
      for (int lane = 0; lane < block; ++lane) {
        const double difference = static_cast<double>(chunk_mean[lane]) - mean[lane];
        mean[lane] += difference * share;
        squares[lane] += static_cast<double>(chunk_squares[lane]) + difference * difference * count * share;
      }
      count += number;
    }
}

template <class T>
void normalise(const Planes& planes, const T* x, const T* residual, T* y, const float* scale, const float* shift,
               bool relu) {
  const auto run = residual ? (relu ? normalise_planes<true, true, T> : normalise_planes<true, false, T>)
                            : (relu ? normalise_planes<false, true, T> : normalise_planes<false, false, T>);
  run(planes, x, residual, y, load(scale), load(shift));
}

template <class T>
void gradient_sums(const Planes& planes, const T* x, const T* dy, const float* mean, const float* scale,
                   const float* shift, bool relu, double* sum_dy, double* sum_dy_x) {
  const Masked masked{load(mean), load(scale), load(shift), relu};
  const auto add = relu ? add_gradient<true, T> : add_gradient<false, T>;
  for (int lane = 0; lane < block; ++lane) sum_dy[lane] = sum_dy_x[lane] = 0;
  for (int64_t n = 0; n < planes.images; ++n)
    for (int64_t p = 0; p < planes.pixels; p += chunk) {
      const int64_t start = n * planes.stride + p * block;
      const int64_t pixels = planes.pixels - p < chunk ? planes.pixels - p : chunk;
      Vec chunk_dy, chunk_dy_x;
      add(masked, x + start, dy + start, pixels, chunk_dy, chunk_dy_x);
      for (int lane = 0; lane < block; ++lane) {
        sum_dy[lane] += static_cast<double>(chunk_dy[lane]);
        sum_dy_x[lane] += static_cast<double>(chunk_dy_x[lane]);
      }
    }
}

template <class T>
void norm_gradient(const Planes& planes, const T* x, const T* dy, T* dx, const float* mean, const float* scale,
                   const float* shift, const float* slope, const float* offset, bool relu) {
  const Masked masked{load(mean), load(scale), load(shift), relu};
  const auto run = relu ? gradient_planes<true, T> : gradient_planes<false, T>;
  run(planes, x, dy, dx, masked, load(slope), load(offset));
}

}  // namespace

template <class T>
void add_norm(ImageKernels<T>& table) {
  table.moments = moments<T>;
  table.normalise = normalise<T>;
  table.gradient_sums = gradient_sums<T>;
  table.norm_gradient = norm_gradient<T>;
}
template void add_norm(ImageKernels<float>&);
template void add_norm(ImageKernels<BFloat16>&);

}  // namespace resnet::cpu::RESNET_ISA
