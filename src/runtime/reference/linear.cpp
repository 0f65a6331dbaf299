// Fully connected layers and the gradient of a bias. x [N, I], w [O, I], y [N, O].
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"

namespace resnet::reference {

// y[n,o] = <x[n], w[o]> + b[o]
void lower(const Linear& op, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0])[0], units = to.shape(node.inputs[1])[0];
  const int64_t inputs = to.shape(node.inputs[1])[1];
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(images, images * units * inputs, [&](int64_t n) {
      const T *x = at.in(0) + n * inputs, *w = at.in(1), *bias = op.bias ? at.in(2) : nullptr;
      T* y = at.out(0) + n * units;
      for (int64_t o = 0; o < units; ++o, w += inputs)
        y[o] = sum_of<T>(inputs, [&](int64_t i) { return x[i] * w[i]; }) + (bias ? bias[o] : T{0});
    });
  });
}

// dx[n] = sum_o dy[n,o] w[o]
void lower(const LinearGradInput&, const Node& node, Lowering& to) {
  const int64_t units = to.shape(node.inputs[0])[0], inputs = to.shape(node.inputs[0])[1];
  const int64_t images = to.shape(node.inputs[1])[0];
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(images, images * units * inputs, [&](int64_t n) {
      const T *w = at.in(0), *dy = at.in(1) + n * units;
      T* dx = at.out(0) + n * inputs;
      std::fill_n(dx, inputs, T{0});
      for (int64_t o = 0; o < units; ++o) add_scaled(dx, 1, dy[o], w + o * inputs, 1, inputs);
    });
  });
}

// dw[o] = sum_n dy[n,o] x[n]
void lower(const LinearGradWeight&, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0])[0], inputs = to.shape(node.inputs[0])[1];
  const int64_t units = to.shape(node.inputs[1])[1];
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(units, images * units * inputs, [&](int64_t o) {
      const T *x = at.in(0), *dy = at.in(1);
      T* dw = at.out(0) + o * inputs;
      std::fill_n(dw, inputs, T{0});
      for (int64_t n = 0; n < images; ++n) add_scaled(dw, 1, dy[n * units + o], x + n * inputs, 1, inputs);
    });
  });
}

// y[c] = sum over n, h, w of x[n,c,h,w]
void lower(const SumChannels&, const Node& node, Lowering& to) {
  const Shape x = to.shape(node.inputs[0]);
  const int64_t images = x.n(), channels = x.c(), area = x.elements() / (images * channels);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    T* y = at.out(0);
    std::fill_n(y, channels, T{0});
    for (int64_t n = 0; n < images; ++n)
      for (int64_t c = 0; c < channels; ++c) {
        const T* plane = at.in(0) + (n * channels + c) * area;
        y[c] += sum_of<T>(area, [&](int64_t i) { return plane[i]; });
      }
  });
}

}  // namespace resnet::reference
