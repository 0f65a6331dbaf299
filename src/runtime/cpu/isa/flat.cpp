// Kernels on flat arrays: the reduction over lanes, SGD, and linear layers too small for a library call.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

namespace {

// ((0 + 1) + (2 + 3)) + ((4 + 5) + ...): the tree depends on the number of lanes alone.
void tree(const float* x, int64_t stride, int lanes, Vec& sum) {
  if (lanes == 1) {
    sum = load(x);
    return;
  }
  int half = 1;
  while (half * 2 < lanes) half *= 2;
  Vec other;
  tree(x, stride, half, sum);
  tree(x + half * stride, stride, lanes - half, other);
  sum += other;
}

float horizontal_sum(const Vec& v) {
  float parts[block];
  store(parts, v);
  for (int width = block / 2; width > 0; width /= 2)
    for (int k = 0; k < width; ++k) parts[k] += parts[k + width];
  return parts[0];
}

}  // namespace

float multiply_adds(const float* numbers, int64_t rounds) {
  const Vec factor = load(numbers), step = load(numbers + block);
  Vec sums[chains];
  for (int chain = 0; chain < chains; ++chain) sums[chain] = load(numbers + (chain + 2) * block);
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int chain = 0; chain < chains; ++chain) sums[chain] = multiply_add(sums[chain], factor, step);
  }
  Vec total = {};
  for (const Vec& sum : sums) total += sum;
  return horizontal_sum(total);
}

void triad(const float* a, const float* b, float factor, float* y, int64_t count) {
  for (int64_t i = 0; i + block <= count; i += block) store(y + i, load(a + i) + factor * load(b + i));
}

void sum_lanes(const float* x, int64_t stride, int lanes, float* y, int64_t count) {
  int64_t i = 0;
  if (lanes == 8) {  // the usual number, without recursion
    for (; i + block <= count; i += block) {
      const float* at = x + i;
      store(y + i,
            ((load(at) + load(at + stride)) + (load(at + 2 * stride) + load(at + 3 * stride))) +
                ((load(at + 4 * stride) + load(at + 5 * stride)) + (load(at + 6 * stride) + load(at + 7 * stride))));
    }
  }
  Vec total;
  for (; i + block <= count; i += block) {
    tree(x + i, stride, lanes, total);
    store(y + i, total);
  }
  if (i < count) {
    float last[max_lanes][block] = {};
    for (int lane = 0; lane < lanes; ++lane)
      for (int64_t k = i; k < count; ++k) last[lane][k - i] = x[lane * stride + k];
    tree(&last[0][0], block, lanes, total);
    for (int64_t k = i; k < count; ++k) y[k] = total[k - i];
  }
}

void sgd(const Sgd& op, float rate, const float* w, const float* dw, const float* v, float* new_w, float* new_v,
         int64_t count) {
  const float momentum = op.momentum, decay = op.weight_decay;
  if (op.nesterov) {
    for (int64_t i = 0; i < count; ++i) {
      const float g = dw[i] + decay * w[i];
      const float next = momentum * v[i] + g;
      new_v[i] = next;
      new_w[i] = w[i] - rate * (g + momentum * next);
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      const float next = momentum * v[i] + (dw[i] + decay * w[i]);
      new_v[i] = next;
      new_w[i] = w[i] - rate * next;
    }
  }
}

void small_linear(const float* x, const float* w, const float* bias, float* y, int64_t rows, int64_t inputs,
                  int64_t outputs, int64_t y_stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t o = 0; o < outputs; ++o) {
      const float *a = x + r * inputs, *b = w + o * inputs;
      Vec first = {}, second = {};
      int64_t i = 0;
      for (; i + 2 * block <= inputs; i += 2 * block) {
        first += load(a + i) * load(b + i);
        second += load(a + i + block) * load(b + i + block);
      }
      float sum = 0;
      for (; i < inputs; ++i) sum += a[i] * b[i];
      sum += horizontal_sum(first + second);
      y[r * y_stride + o] = bias ? sum + bias[o] : sum;
    }
}

}  // namespace resnet::cpu::RESNET_ISA
