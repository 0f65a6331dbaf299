// Softmax and cross-entropy over the rows of a matrix [N,K]. Sums are in double: rows are short, and a loss read to six
// digits is worth it.
#include "base/error.hpp"
#include "runtime/cpu/lowering.hpp"

#include <algorithm>
#include <cmath>

namespace resnet::cpu {

namespace {

// log sum_k exp(x_k), with the maximum taken out so that nothing overflows.
double log_sum_exp(const float* x, int64_t classes) {
  const double maximum = double{*std::max_element(x, x + classes)};
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k) sum += double{std::exp(static_cast<float>(double{x[k]} - maximum))};
  return maximum + std::log(sum);
}

void log_softmax(const float* x, float* y, int64_t classes) {
  const double total = log_sum_exp(x, classes);
  for (int64_t k = 0; k < classes; ++k) y[k] = static_cast<float>(double{x[k]} - total);
}

void softmax(const float* x, float* y, int64_t classes) {
  const double total = log_sum_exp(x, classes);
  for (int64_t k = 0; k < classes; ++k) y[k] = std::exp(static_cast<float>(double{x[k]} - total));
}

/// q = (1 - smoothing) target + smoothing / K, from classes or from soft targets.
struct Targets {
  Buffer buffer;
  bool labels;
  int64_t classes;
  double smoothing;

  double q(const Memory& memory, int64_t n, int64_t k) const {
    const double target =
        labels ? (memory.at<int32_t>(buffer)[n] == k ? 1. : 0.) : double{memory.at<float>(buffer)[n * classes + k]};
    return (1 - smoothing) * target + smoothing / static_cast<double>(classes);
  }
};

Targets targets_of(Lowering& to, Value targets, int64_t classes, float smoothing) {
  return {to.read(targets), to[targets].dtype == DType::i32, classes, double{smoothing}};
}

}  // namespace

void lower(const Softmax& op, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0]).n(), classes = to.shape(node.inputs[0]).c();
  const Buffer x = to.read(node.inputs[0]), y = to.write(node.outputs[0]);
  const int tasks = tasks_for(images * classes * 8, images);
  to.add(node, "own", {x}, {y}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(images, tasks, task);
    for (int64_t n = range.begin; n < range.end; ++n)
      (op.log ? log_softmax : softmax)(memory.at<float>(x) + n * classes, memory.at<float>(y) + n * classes, classes);
  });
}

// dx_k = y_k (dy_k - sum_j dy_j y_j); of the logarithm dx_k = dy_k - exp(y_k) sum_j dy_j
void lower(const SoftmaxGrad& op, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0]).n(), classes = to.shape(node.inputs[0]).c();
  const Buffer y = to.read(node.inputs[0]), dy = to.read(node.inputs[1]), dx = to.write(node.outputs[0]);
  const int tasks = tasks_for(images * classes, images);
  to.add(node, "own", {y, dy}, {dx}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(images, tasks, task);
    for (int64_t n = range.begin; n < range.end; ++n) {
      const float *out = memory.at<float>(y) + n * classes, *gradient = memory.at<float>(dy) + n * classes;
      double mean = 0;
      for (int64_t k = 0; k < classes; ++k) mean += double{gradient[k]} * (op.log ? 1 : double{out[k]});
      for (int64_t k = 0; k < classes; ++k)
        memory.at<float>(dx)[n * classes + k] =
            static_cast<float>(op.log ? double{gradient[k]} - std::exp(double{out[k]}) * mean
                                      : double{out[k]} * (double{gradient[k]} - mean));
    }
  });
}

// loss = mean_n sum_k q_k (log_sum_exp(logits) - logits_k), the images' losses added in their order
void lower(const CrossEntropy& op, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0]).n(), classes = to.shape(node.inputs[0]).c();
  const Targets targets = targets_of(to, node.inputs[1], classes, op.smoothing);
  const Buffer x = to.read(node.inputs[0]), loss = to.write(node.outputs[0]), p = to.write(node.outputs[1]);
  const Buffer losses = to.temporary(node, "losses", images * int64_t{sizeof(double)});
  const int tasks = tasks_for(images * classes * 8, images);
  Step step = to.step(node, "own");
  step.reads = {x, targets.buffer};
  step.writes = {loss, p, losses};
  const auto image = [=](const Memory& memory, int64_t n) {
    const float* logits = memory.at<float>(x) + n * classes;
    const double total = log_sum_exp(logits, classes);
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k) {
      sum += targets.q(memory, n, k) * (total - double{logits[k]});
      memory.at<float>(p)[n * classes + k] = std::exp(static_cast<float>(double{logits[k]} - total));
    }
    memory.at<double>(losses)[n] = sum;
  };
  step.run = [=, run = to.runner()](const Memory& memory) {
    run(memory, tasks, [&](const Memory& m, int task, int) {
      const Range range = part_of(images, tasks, task);
      for (int64_t n = range.begin; n < range.end; ++n) image(m, n);
    });
    double sum = 0;
    for (int64_t n = 0; n < images; ++n) sum += memory.at<double>(losses)[n];
    memory.at<float>(loss)[0] = static_cast<float>(sum / static_cast<double>(images));
  };
  to.program.add(std::move(step));
}

// dlogits_k = dloss / N (p_k sum_j q_j - q_k); the q_j of soft targets need not sum to 1.
void lower(const CrossEntropyGrad& op, const Node& node, Lowering& to) {
  const int64_t images = to.shape(node.inputs[0]).n(), classes = to.shape(node.inputs[0]).c();
  const Targets targets = targets_of(to, node.inputs[1], classes, op.smoothing);
  const Buffer p = to.read(node.inputs[0]), dloss = to.read(node.inputs[2]), dx = to.write(node.outputs[0]);
  const int tasks = tasks_for(images * classes, images);
  to.add(node, "own", {p, targets.buffer, dloss}, {dx}, tasks, [=](const Memory& memory, int task, int) {
    const double scale = double{memory.at<float>(dloss)[0]} / static_cast<double>(images);
    const Range range = part_of(images, tasks, task);
    for (int64_t n = range.begin; n < range.end; ++n) {
      double total = 0;
      for (int64_t k = 0; k < classes; ++k) total += targets.q(memory, n, k);
      for (int64_t k = 0; k < classes; ++k)
        memory.at<float>(dx)[n * classes + k] = static_cast<float>(
            scale * (double{memory.at<float>(p)[n * classes + k]} * total - targets.q(memory, n, k)));
    }
  });
}

}  // namespace resnet::cpu
