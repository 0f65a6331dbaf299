// Softmax and cross-entropy over the channels of [N, K].
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"

#include <cmath>

namespace resnet::reference {
namespace {

/// log sum_k exp(x_k), with the maximum taken out so that nothing overflows.
template <class T>
T log_sum_exp(const T* x, int64_t classes) {
  const T maximum = *std::max_element(x, x + classes);
  return maximum + std::log(sum_of<T>(classes, [&](int64_t k) { return std::exp(x[k] - maximum); }));
}

template <class T>
void softmax(const T* x, int64_t classes, bool log, T* y) {
  const T total = log_sum_exp(x, classes);
  for (int64_t k = 0; k < classes; ++k) y[k] = log ? x[k] - total : std::exp(x[k] - total);
}

/// q = (1 - smoothing) target + smoothing / K, from classes or from soft targets.
template <class T>
struct Targets {
  const int32_t* labels;  // [N], or null
  const T* soft;          // [N, K], or null
  int64_t classes;
  T smoothing;

  T q(int64_t n, int64_t k) const {
    const T target = labels ? static_cast<T>(labels[n] == k) : soft[n * classes + k];
    return (1 - smoothing) * target + smoothing / static_cast<T>(classes);
  }
};

template <class T>
Targets<T> targets_of(const Arguments<T>& at, std::size_t input, bool labels, int64_t classes, float smoothing) {
  return {labels ? at.integers_in(input) : nullptr, labels ? nullptr : at.in(input), classes,
          static_cast<T>(smoothing)};
}

}  // namespace

void lower(const Softmax& op, const Node& node, Lowering& to) {
  const Shape shape = to.shape(node.inputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    for (int64_t n = 0; n < shape.n(); ++n)
      softmax(at.in(0) + n * shape.c(), shape.c(), op.log, at.out(0) + n * shape.c());
  });
}

// dx_k = y_k (dy_k - sum_j dy_j y_j); of the logarithm dx_k = dy_k - exp(y_k) sum_j dy_j
void lower(const SoftmaxGrad& op, const Node& node, Lowering& to) {
  const Shape shape = to.shape(node.inputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    for (int64_t n = 0; n < shape.n(); ++n) {
      const T *y = at.in(0) + n * shape.c(), *dy = at.in(1) + n * shape.c();
      T* dx = at.out(0) + n * shape.c();
      const T mean = sum_of<T>(shape.c(), [&](int64_t k) { return op.log ? dy[k] : dy[k] * y[k]; });
      for (int64_t k = 0; k < shape.c(); ++k) dx[k] = op.log ? dy[k] - std::exp(y[k]) * mean : y[k] * (dy[k] - mean);
    }
  });
}

// loss = mean_n sum_k q_k (log_sum_exp(logits) - logits_k)
void lower(const CrossEntropy& op, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0]).n(), classes = to.shape(node.inputs[0]).c();
  const bool labels = to.dtype(node.inputs[1]) == DType::i32;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const Targets<T> targets = targets_of(at, 1, labels, classes, op.smoothing);
    T loss = 0;
    for (int64_t n = 0; n < images; ++n) {
      const T* logits = at.in(0) + n * classes;
      const T total = log_sum_exp(logits, classes);
      loss += sum_of<T>(classes, [&](int64_t k) { return targets.q(n, k) * (total - logits[k]); });
      softmax(logits, classes, false, at.out(1) + n * classes);
    }
    at.out(0)[0] = loss / static_cast<T>(images);
  });
}

// dlogits_k = dloss / N * (p_k sum_j q_j - q_k); the q_j of soft targets need not sum to 1
void lower(const CrossEntropyGrad& op, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0]).n(), classes = to.shape(node.inputs[0]).c();
  const bool labels = to.dtype(node.inputs[1]) == DType::i32;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const Targets<T> targets = targets_of(at, 1, labels, classes, op.smoothing);
    const T scale = at.in(2)[0] / static_cast<T>(images);
    for (int64_t n = 0; n < images; ++n) {
      const T* p = at.in(0) + n * classes;
      T* dlogits = at.out(0) + n * classes;
      const T total = sum_of<T>(classes, [&](int64_t k) { return targets.q(n, k); });
      for (int64_t k = 0; k < classes; ++k) dlogits[k] = scale * (p[k] * total - targets.q(n, k));
    }
  });
}

}  // namespace resnet::reference
