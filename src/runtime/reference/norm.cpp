// Batch normalisation (Ioffe & Szegedy 2015), its gradients and the running statistics.
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"

#include <cmath>

namespace resnet::reference {
namespace {

/// x [N, C, H, W] (or [N, C]) as N planes per channel.
struct Planes {
  int64_t images, channels, area;

  explicit Planes(const Shape& x) : images(x.n()), channels(x.c()), area(x.elements() / (x.n() * x.c())) {}
  int64_t start(int64_t n, int64_t c) const { return (n * channels + c) * area; }
  int64_t elements() const { return images * channels * area; }
  /// Values per channel.
  template <class T>
  T count() const {
    return static_cast<T>(images * area);
  }
};

/// Sum of term(index) over every element of channel c.
template <class T, class Term>
T channel_sum(const Planes& planes, int64_t c, const Term& term) {
  T total = 0;
  for (int64_t n = 0; n < planes.images; ++n)
    total += sum_of<T>(planes.area, [&, start = planes.start(n, c)](int64_t i) { return term(start + i); });
  return total;
}

/// body(index) for every element of channel c.
template <class Body>
void for_channel(const Planes& planes, int64_t c, const Body& body) {
  for (int64_t n = 0; n < planes.images; ++n)
    for (int64_t i = planes.start(n, c), end = i + planes.area; i < end; ++i) body(i);
}

/// The parameters of one channel, and what forward and backward make of them: y = x * scale + shift.
template <class T>
struct Channel {
  T mean, inverse_deviation, scale, shift;

  Channel(T gamma, T beta, T mean_, T var, float epsilon)
      : mean(mean_),
        inverse_deviation(1 / std::sqrt(var + static_cast<T>(epsilon))),
        scale(gamma * inverse_deviation),
        shift(beta - mean * scale) {}
  T y(T x) const { return x * scale + shift; }
  T normalised(T x) const { return (x - mean) * inverse_deviation; }
};

template <class T>
void normalise(const Planes& planes, int64_t c, const Channel<T>& channel, bool relu, const T* x, T* y) {
  for_channel(planes, c, [&](int64_t i) { y[i] = relu ? rectified(channel.y(x[i])) : channel.y(x[i]); });
}

/// dx, dgamma and dbeta of one channel (section 3 of the paper). With g = dy where the ReLU let y through and m values:
/// dbeta = sum g, dgamma = sum g xhat, dx = scale (g - (dbeta + xhat dgamma) / m); constant statistics drop the
/// bracket's second term.
template <class T>
void channel_gradient(const Planes& planes, int64_t c, float epsilon, bool relu, bool constant_statistics,
                      const Arguments<T>& at) {
  const T *x = at.in(0), *dy = at.in(1);
  T* dx = at.out(0);
  const Channel<T> channel(at.in(2)[c], at.in(3)[c], at.in(4)[c], at.in(5)[c], epsilon);
  const auto g = [&](int64_t i) { return relu && channel.y(x[i]) <= 0 ? T{0} : dy[i]; };
  const T dbeta = channel_sum<T>(planes, c, g);
  const T dgamma = channel_sum<T>(planes, c, [&](int64_t i) { return g(i) * channel.normalised(x[i]); });
  at.out(1)[c] = dgamma;
  at.out(2)[c] = dbeta;
  const T share = constant_statistics ? T{0} : 1 / planes.count<T>();
  for_channel(planes, c,
              [&](int64_t i) { dx[i] = channel.scale * (g(i) - share * (dbeta + channel.normalised(x[i]) * dgamma)); });
}

}  // namespace

void lower(const BatchNorm& op, const Node& node, Lowering& to) {
  const Planes planes(to.shape(node.inputs[0]));
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(planes.channels, planes.elements(), [&](int64_t c) {
      const T* x = at.in(0);
      const T mean = channel_sum<T>(planes, c, [&](int64_t i) { return x[i]; }) / planes.count<T>();
      const T var =
          channel_sum<T>(planes, c, [&](int64_t i) { return (x[i] - mean) * (x[i] - mean); }) / planes.count<T>();
      at.out(1)[c] = mean;
      at.out(2)[c] = var;
      normalise(planes, c, Channel<T>(at.in(1)[c], at.in(2)[c], mean, var, op.epsilon), op.relu, x, at.out(0));
    });
  });
}

void lower(const BatchNormGrad& op, const Node& node, Lowering& to) {
  const Planes planes(to.shape(node.inputs[0]));
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(planes.channels, planes.elements(),
                [&](int64_t c) { channel_gradient(planes, c, op.epsilon, op.relu, false, at); });
  });
}

void lower(const BatchNormInference& op, const Node& node, Lowering& to) {
  const Planes planes(to.shape(node.inputs[0]));
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(planes.channels, planes.elements(), [&](int64_t c) {
      const Channel<T> channel(at.in(1)[c], at.in(2)[c], at.in(3)[c], at.in(4)[c], op.epsilon);
      normalise(planes, c, channel, op.relu, at.in(0), at.out(0));
    });
  });
}

void lower(const BatchNormInferenceGrad& op, const Node& node, Lowering& to) {
  const Planes planes(to.shape(node.inputs[0]));
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    at.parallel(planes.channels, planes.elements(),
                [&](int64_t c) { channel_gradient(planes, c, op.epsilon, op.relu, true, at); });
  });
}

// running' = (1 - momentum) running + momentum correction batch; running' may be running itself.
void lower(const UpdateRunning& op, const Node& node, Lowering& to) {
  const int64_t count = to.shape(node.inputs[0]).elements();
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const T momentum = static_cast<T>(op.momentum), correction = static_cast<T>(op.correction);
    const T *running = at.in(0), *batch = at.in(1);
    T* next = at.out(0);
    for (int64_t i = 0; i < count; ++i) next[i] = (1 - momentum) * running[i] + momentum * (correction * batch[i]);
  });
}

}  // namespace resnet::reference
