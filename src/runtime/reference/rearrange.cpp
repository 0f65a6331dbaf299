// Transposition, repetition, sums, slices and padding over any axes, and products of stacked matrices.
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"
#include "runtime/strides.hpp"

namespace resnet::reference {
namespace {

/// y[element] = x[position]
void lower_gather(const Node& node, Lowering& to, const Walk& walk) {
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    walk.each(0, walk.shape.elements(),
              [&](int64_t element, int64_t position) { at.out(0)[element] = at.in(0)[position]; });
  });
}

}  // namespace

void lower(const Transpose& op, const Node& node, Lowering& to) {
  lower_gather(node, to, transposed_walk(to.shape(node.inputs[0]), to.shape(node.outputs[0]), op.order));
}

void lower(const Broadcast& op, const Node& node, Lowering& to) {
  lower_gather(node, to, repeated_walk(to.shape(node.inputs[0]), op.shape));
}

void lower(const StridedSlice& op, const Node& node, Lowering& to) {
  lower_gather(node, to, strided_walk(op.shape, to.shape(node.inputs[0]), op.begin, op.step));
}

void lower(const Pad& op, const Node& node, Lowering& to) {
  const Walk walk = strided_walk(to.shape(node.inputs[0]), op.shape, op.begin, op.step);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    std::fill_n(at.out(0), op.shape.elements(), static_cast<T>(op.value));
    walk.each(0, walk.shape.elements(),
              [&](int64_t element, int64_t position) { at.out(0)[position] = at.in(0)[element]; });
  });
}

void lower(const Reduce& op, const Node& node, Lowering& to) {
  const Shape x = to.shape(node.inputs[0]);
  const Walk walk = repeated_walk(op.shape, x);
  const int64_t outputs = op.shape.elements(), count = outputs > 0 ? x.elements() / outputs : 0;
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    std::fill_n(at.out(0), outputs, T{0});
    walk.each(0, x.elements(), [&](int64_t element, int64_t position) { at.out(0)[position] += at.in(0)[element]; });
    for (int64_t i = 0; op.mean && i < outputs; ++i) at.out(0)[i] /= static_cast<T>(count);
  });
}

// y[b,m,n] = sum_k a[b,m,k] b[b,k,n]
void lower(const MatMul&, const Node& node, Lowering& to) {
  const Shape a = to.shape(node.inputs[0]), b = to.shape(node.inputs[1]);
  const int64_t rows = a[a.rank() - 2], inner = a[a.rank() - 1], columns = b[b.rank() - 1];
  const int64_t stack = a.elements() / (rows * inner);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    for (int64_t s = 0; s < stack; ++s)
      for (int64_t m = 0; m < rows; ++m) {
        T* y = at.out(0) + (s * rows + m) * columns;
        std::fill_n(y, columns, T{0});
        for (int64_t k = 0; k < inner; ++k)
          add_scaled(y, 1, at.in(0)[(s * rows + m) * inner + k], at.in(1) + (s * inner + k) * columns, 1, columns);
      }
  });
}

}  // namespace resnet::reference
