// Pooling of one plane. Both gradients gather: each input pixel asks the windows that cover it, so no two tasks write
// one place and the inner loop is a block of channels.
#include "runtime/cpu/isa/functions.hpp"

namespace resnet::cpu::RESNET_ISA {

namespace {

/// begin, begin + step, ... below end.
struct Span {
  int64_t begin, end, step;
  int64_t size() const { return end > begin ? (end - begin + step - 1) / step : 0; }
};

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/// A window along one axis.
struct Axis {
  int kernel, stride, pad_before, pad_after, dilation;
  int64_t extent() const { return int64_t{kernel - 1} * dilation + 1; }
};
Axis rows_of(const Window& v) { return {v.kernel_h, v.stride_h, v.pad_top, v.pad_bottom, v.dilation_h}; }
Axis columns_of(const Window& v) { return {v.kernel_w, v.stride_w, v.pad_left, v.pad_right, v.dilation_w}; }

// Input positions under output position `out`.
Span window_at(int64_t out, const Axis& axis, int64_t input) {
  const int64_t start = out * axis.stride - axis.pad_before, outside = start < 0 ? -start : 0;
  return {start + (outside + axis.dilation - 1) / axis.dilation * axis.dilation, smaller(start + axis.extent(), input),
          axis.dilation};
}

// Output positions whose windows reach over input position `in`; with a dilation some of them pass over it.
Span covering(int64_t in, const Axis& axis, int64_t output) {
  const int64_t first = in + axis.pad_before - axis.extent() + 1;  // start of the first window, in padded coordinates
  return {first <= 0 ? 0 : (first + axis.stride - 1) / axis.stride,
          smaller((in + axis.pad_before) / axis.stride + 1, output), 1};
}

bool takes(const Axis& axis, int64_t out, int64_t in) {
  return (in + axis.pad_before - out * axis.stride) % axis.dilation == 0;
}

// With padding: the part inside input plus padding, as a ceil-mode window may stick out.
int64_t taps(const Axis& axis, bool include_pad, int64_t out, int64_t input) {
  if (!include_pad) return window_at(out, axis, input).size();
  const int64_t start = out * axis.stride - axis.pad_before;
  return Span{start, smaller(start + axis.extent(), input + axis.pad_after), axis.dilation}.size();
}

float divisor(const PoolSizes& s, bool include_pad, int64_t oh, int64_t ow) {
  return static_cast<float>(taps(rows_of(s.window), include_pad, oh, s.height) *
                            taps(columns_of(s.window), include_pad, ow, s.width));
}

/// Lanes of a pixel as they are.
struct Plain {
  struct Lanes {
    template <class T>
    Vec operator()(const T* x) const {
      return load(x);
    }
  };
  Lanes at(int64_t) const { return {}; }
};

/// Lanes of a pixel as batch norm leaves them.
template <bool relu>
struct Normalised {
  const PoolNorm* norm;

  struct Lanes {
    Vec scale, shift;
    template <class T>
    Vec operator()(const T* x) const {
      const Vec value = multiply_add(load(x), scale, shift);
      return rounded_to<T>(relu ? rectify(value) : value);
    }
  };
  Lanes at(int64_t lane) const { return {load(norm->scale + lane), load(norm->shift + lane)}; }
};

template <class T, class Input>
void max_pool_lines(const PoolSizes& s, const T* x, const Input& input, T* y, int32_t* positions) {
  const Window& v = s.window;
  y += s.line_begin * s.out_width * s.pixel;
  positions += s.line_begin * s.out_width * s.pixel;
  for (int64_t oh = s.line_begin; oh < s.line_end; ++oh)
    for (int64_t ow = 0; ow < s.out_width; ++ow, y += s.pixel, positions += s.pixel) {
      const Span rows = window_at(oh, rows_of(v), s.height);
      const Span columns = window_at(ow, columns_of(v), s.width);
      const int64_t start = rows.begin * s.width + columns.begin;
      for (int64_t lane = 0; lane < s.pixel; lane += block) {
        const auto number = input.at(lane);
        Vec best = number(x + start * s.pixel + lane);
        IntVec where = IntVec{} + static_cast<int32_t>(start);
        for (int64_t h = rows.begin; h < rows.end; h += rows.step)
          for (int64_t w = columns.begin; w < columns.end; w += columns.step) {
            const Vec value = number(x + (h * s.width + w) * s.pixel + lane);
            const IntVec better = (value > best) | ((value != value) & (best == best));  // a NaN wins, the first one
            where = better ? IntVec{} + static_cast<int32_t>(h * s.width + w) : where;
            best = better ? value : best;
          }
        store(y + lane, best);
        store(positions + lane, where);
      }
    }
}

template <class T>
void max_pool(const PoolSizes& s, const T* x, const PoolNorm* norm, T* y, int32_t* positions) {
  if (!norm) return max_pool_lines(s, x, Plain{}, y, positions);
  if (norm->relu) return max_pool_lines(s, x, Normalised<true>{norm}, y, positions);
  max_pool_lines(s, x, Normalised<false>{norm}, y, positions);
}

template <class T>
void max_pool_gradient(const PoolSizes& s, const int32_t* positions, const T* dy, T* dx) {
  const Window& v = s.window;
  dx += s.line_begin * s.width * s.pixel;
  for (int64_t h = s.line_begin; h < s.line_end; ++h)
    for (int64_t w = 0; w < s.width; ++w, dx += s.pixel) {
      const Span rows = covering(h, rows_of(v), s.out_height);
      const Span columns = covering(w, columns_of(v), s.out_width);
      const IntVec here = IntVec{} + static_cast<int32_t>(h * s.width + w);
      for (int64_t lane = 0; lane < s.pixel; lane += block) {
        Vec total = {};
        for (int64_t oh = rows.begin; oh < rows.end; ++oh)
          for (int64_t ow = columns.begin; ow < columns.end; ++ow) {
            const int64_t at = (oh * s.out_width + ow) * s.pixel + lane;
            total += load(positions + at) == here ? load(dy + at) : Vec{};
          }
        store(dx + lane, total);
      }
    }
}

template <class T>
void average_pool(const PoolSizes& s, bool include_pad, const T* x, T* y) {
  const Window& v = s.window;
  y += s.line_begin * s.out_width * s.pixel;
  for (int64_t oh = s.line_begin; oh < s.line_end; ++oh)
    for (int64_t ow = 0; ow < s.out_width; ++ow, y += s.pixel) {
      const Span rows = window_at(oh, rows_of(v), s.height);
      const Span columns = window_at(ow, columns_of(v), s.width);
      const float count = divisor(s, include_pad, oh, ow);
      for (int64_t lane = 0; lane < s.pixel; lane += block) {
        Vec total = {};
        for (int64_t h = rows.begin; h < rows.end; h += rows.step)
          for (int64_t w = columns.begin; w < columns.end; w += columns.step)
            total += load(x + (h * s.width + w) * s.pixel + lane);
        store(y + lane, total / count);
      }
    }
}

template <class T>
void average_pool_gradient(const PoolSizes& s, bool include_pad, const T* dy, T* dx) {
  const Window& v = s.window;
  dx += s.line_begin * s.width * s.pixel;
  for (int64_t h = s.line_begin; h < s.line_end; ++h)
    for (int64_t w = 0; w < s.width; ++w, dx += s.pixel) {
      const Span rows = covering(h, rows_of(v), s.out_height);
      const Span columns = covering(w, columns_of(v), s.out_width);
      for (int64_t lane = 0; lane < s.pixel; lane += block) {
        Vec total = {};
        for (int64_t oh = rows.begin; oh < rows.end; ++oh)
          for (int64_t ow = columns.begin; ow < columns.end; ++ow)
            if (takes(rows_of(v), oh, h) && takes(columns_of(v), ow, w))
              total += load(dy + (oh * s.out_width + ow) * s.pixel + lane) / divisor(s, include_pad, oh, ow);
        store(dx + lane, total);
      }
    }
}

}  // namespace

template <class T>
void add_pool(ImageKernels<T>& table) {
  table.max_pool = max_pool<T>;
  table.max_pool_gradient = max_pool_gradient<T>;
  table.average_pool = average_pool<T>;
  table.average_pool_gradient = average_pool_gradient<T>;
}
template void add_pool(ImageKernels<float>&);
template void add_pool(ImageKernels<BFloat16>&);

}  // namespace resnet::cpu::RESNET_ISA
