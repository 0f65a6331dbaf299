// Pooling of one plane. Both gradients gather: each input pixel asks the windows that cover it, so no two tasks write
// one place and the inner loop is a block of channels.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

namespace {

struct Span {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Input positions under output position `out`.
Span window_at(int64_t out, int stride, int pad, int kernel, int64_t input) {
  const int64_t start = out * stride - pad;
  return {larger(start, 0), smaller(start + kernel, input)};
}

// Output positions whose windows cover input position `in`.
Span covering(int64_t in, int stride, int pad, int kernel, int64_t output) {
  const int64_t first = in + pad - kernel + 1;  // start of the first window, in padded coordinates
  return {first <= 0 ? 0 : (first + stride - 1) / stride, smaller((in + pad) / stride + 1, output)};
}

float divisor(const PoolSizes& s, bool include_pad, int64_t oh, int64_t ow) {
  const Window& v = s.window;
  Span rows = window_at(oh, v.stride_h, v.pad_top, v.kernel_h, s.height);
  Span columns = window_at(ow, v.stride_w, v.pad_left, v.kernel_w, s.width);
  if (include_pad) {  // the part inside input plus padding, as a ceil-mode window may stick out
    const int64_t top = oh * v.stride_h - v.pad_top, left = ow * v.stride_w - v.pad_left;
    rows = {top, smaller(top + v.kernel_h, s.height + v.pad_bottom)};
    columns = {left, smaller(left + v.kernel_w, s.width + v.pad_right)};
  }
  return static_cast<float>(rows.size() * columns.size());
}

}  // namespace

void max_pool(const PoolSizes& s, const float* x, float* y, int32_t* positions) {
  const Window& v = s.window;
  for (int64_t oh = 0; oh < s.out_height; ++oh)
    for (int64_t ow = 0; ow < s.out_width; ++ow, y += block, positions += block) {
      const Span rows = window_at(oh, v.stride_h, v.pad_top, v.kernel_h, s.height);
      const Span columns = window_at(ow, v.stride_w, v.pad_left, v.kernel_w, s.width);
      const int64_t start = rows.begin * s.width + columns.begin;
      Vec best = load(x + start * block);
      IntVec where = IntVec{} + static_cast<int32_t>(start);
      for (int64_t h = rows.begin; h < rows.end; ++h)
        for (int64_t w = columns.begin; w < columns.end; ++w) {
          const Vec value = load(x + (h * s.width + w) * block);
          const IntVec better = (value > best) | ((value != value) & (best == best));  // a NaN wins, the first one
          where = better ? IntVec{} + static_cast<int32_t>(h * s.width + w) : where;
          best = better ? value : best;
        }
      store(y, best);
      store(positions, where);
    }
}

void max_pool_gradient(const PoolSizes& s, const int32_t* positions, const float* dy, float* dx) {
  const Window& v = s.window;
  for (int64_t h = 0; h < s.height; ++h)
    for (int64_t w = 0; w < s.width; ++w, dx += block) {
      const Span rows = covering(h, v.stride_h, v.pad_top, v.kernel_h, s.out_height);
      const Span columns = covering(w, v.stride_w, v.pad_left, v.kernel_w, s.out_width);
      const IntVec here = IntVec{} + static_cast<int32_t>(h * s.width + w);
      Vec total = {};
      for (int64_t oh = rows.begin; oh < rows.end; ++oh)
        for (int64_t ow = columns.begin; ow < columns.end; ++ow) {
          const int64_t at = (oh * s.out_width + ow) * block;
          total += load(positions + at) == here ? load(dy + at) : Vec{};
        }
      store(dx, total);
    }
}

void average_pool(const PoolSizes& s, bool include_pad, const float* x, float* y) {
  const Window& v = s.window;
  for (int64_t oh = 0; oh < s.out_height; ++oh)
    for (int64_t ow = 0; ow < s.out_width; ++ow, y += block) {
      const Span rows = window_at(oh, v.stride_h, v.pad_top, v.kernel_h, s.height);
      const Span columns = window_at(ow, v.stride_w, v.pad_left, v.kernel_w, s.width);
      Vec total = {};
      for (int64_t h = rows.begin; h < rows.end; ++h)
        for (int64_t w = columns.begin; w < columns.end; ++w) total += load(x + (h * s.width + w) * block);
      store(y, total / divisor(s, include_pad, oh, ow));
    }
}

void average_pool_gradient(const PoolSizes& s, bool include_pad, const float* dy, float* dx) {
  const Window& v = s.window;
  for (int64_t h = 0; h < s.height; ++h)
    for (int64_t w = 0; w < s.width; ++w, dx += block) {
      const Span rows = covering(h, v.stride_h, v.pad_top, v.kernel_h, s.out_height);
      const Span columns = covering(w, v.stride_w, v.pad_left, v.kernel_w, s.out_width);
      Vec total = {};
      for (int64_t oh = rows.begin; oh < rows.end; ++oh)
        for (int64_t ow = columns.begin; ow < columns.end; ++ow)
          total += load(dy + (oh * s.out_width + ow) * block) / divisor(s, include_pad, oh, ow);
      store(dx, total);
    }
}

}  // namespace resnet::cpu::RESNET_ISA
