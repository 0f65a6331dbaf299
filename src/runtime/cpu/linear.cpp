// Linear layers on row-major matrices: oneDNN's sgemm on slices that depend on shapes alone, own dot products for a few
// rows, where the weights are read once and a matrix product has nothing to gain.
#include "graph/op_functions.hpp"
#include "runtime/cpu/compat.hpp"
#include "runtime/cpu/lowering.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace resnet::cpu {

namespace {

// c [m,n] = op(a) op(b), row-major.
void multiply(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
              const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  const SingleThreaded guard;
  const dnnl_status_t status = dnnl_sgemm(transpose_a, transpose_b, m, n, k, 1.f, a, lda, b, ldb, beta, c, ldc);
  if (status != dnnl_success) fail("oneDNN: sgemm failed (status ", static_cast<int>(status), ")");
}

int linear_tasks(int64_t macs, int64_t limit) {
  return static_cast<int>(std::clamp<int64_t>(macs / 200'000, 1, std::min<int64_t>(limit, 8)));
}

}  // namespace

void lower(const Linear& op, const Node& node, Lowering& to) {
  const int64_t rows = to.shape(node.inputs[0])[0], inputs = to.shape(node.inputs[0])[1];
  const int64_t outputs = to.shape(node.inputs[1])[0], macs = rows * inputs * outputs;
  const Buffer x = to.read(node.inputs[0]), w = to.read(node.inputs[1]);
  const Buffer b = op.bias ? to.read(node.inputs[2]) : Buffer{};
  const Buffer y = to.write(node.outputs[0]);
  std::vector<Buffer> reads = {x, w};
  if (b) reads.push_back(b);
  const bool small = rows < 4 || macs < 20'000;
  const int tasks = linear_tasks(macs, outputs);
  to.add(node, small ? "own" : "sgemm", std::move(reads), {y}, tasks,
         [=, kernels = &to.kernels](const Memory& memory, int task, int) {
           const Range range = part_of(outputs, tasks, task);
           const float* bias = b ? memory.at<float>(b) + range.begin : nullptr;
           const float* weights = memory.at<float>(w) + range.begin * inputs;
           float* out = memory.at<float>(y) + range.begin;
           if (small)
             return kernels->small_linear(memory.at<float>(x), weights, bias, out, rows, inputs, range.size(), outputs);
           for (int64_t r = 0; bias && r < rows; ++r) std::copy_n(bias, range.size(), out + r * outputs);
           multiply('N', 'T', rows, range.size(), inputs, memory.at<float>(x), inputs, weights, inputs,
                    bias ? 1.f : 0.f, out, outputs);
         });
}

void lower(const LinearGradInput&, const Node& node, Lowering& to) {
  const int64_t outputs = to.shape(node.inputs[0])[0], inputs = to.shape(node.inputs[0])[1];
  const int64_t rows = to.shape(node.inputs[1])[0];
  const Buffer w = to.read(node.inputs[0]), dy = to.read(node.inputs[1]), dx = to.write(node.outputs[0]);
  const int tasks = linear_tasks(rows * inputs * outputs, inputs);
  to.add(node, "sgemm", {w, dy}, {dx}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(inputs, tasks, task);
    multiply('N', 'N', rows, range.size(), outputs, memory.at<float>(dy), outputs, memory.at<float>(w) + range.begin,
             inputs, 0.f, memory.at<float>(dx) + range.begin, inputs);
  });
}

void lower(const LinearGradWeight&, const Node& node, Lowering& to) {
  const int64_t rows = to.shape(node.inputs[0])[0], inputs = to.shape(node.inputs[0])[1];
  const int64_t outputs = to.shape(node.inputs[1])[1];
  const Buffer x = to.read(node.inputs[0]), dy = to.read(node.inputs[1]), dw = to.write(node.outputs[0]);
  const int tasks = linear_tasks(rows * inputs * outputs, outputs);
  to.add(node, "sgemm", {x, dy}, {dw}, tasks, [=](const Memory& memory, int task, int) {
    const Range range = part_of(outputs, tasks, task);
    multiply('T', 'N', range.size(), inputs, rows, memory.at<float>(dy) + range.begin, outputs, memory.at<float>(x),
             inputs, 0.f, memory.at<float>(dw) + range.begin * inputs, inputs);
  });
}

namespace {

// Columns of a row-major matrix, each in double and in the order of rows.
void sum_columns(const float* x, float* y, int64_t rows, int64_t columns, Range range) {
  for (int64_t c = range.begin; c < range.end; ++c) {
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r) sum += double{x[r * columns + c]};
    y[c] = static_cast<float>(sum);
  }
}

}  // namespace

void lower(const SumChannels&, const Node& node, Lowering& to) {
  const Value x = node.inputs[0];
  const int64_t images = to.shape(x).n(), channels = to.shape(x).c(), pixels = to.pixels(x), block = to.block();
  const Buffer y = to.write(node.outputs[0]);
  if (pixels == 1 && to.layout(x) == Layout::row_major && to[x].dtype == DType::f32) {
    const Buffer from = to.read(x);
    const int tasks = tasks_for(images * channels, channels);
    to.add(node, "own", {from}, {y}, tasks, [=](const Memory& memory, int task, int) {
      sum_columns(memory.at<float>(from), memory.at<float>(y), images, channels, part_of(channels, tasks, task));
    });
    return;
  }
  const Buffer from = to.read(x, Layout::blocked);
  const int64_t blocks = to.channel_blocks(x);
  with_image_type(to[x].dtype, [&]<class T>(T) {
    to.add(node, "own", {from}, {y}, static_cast<int>(blocks),
           [=, dot = to.kernels.of<T>().dot_planes](const Memory& memory, int cb, int) {
             double sum[max_block];
             const Planes planes{images, pixels, blocks * pixels * block, block};
             dot(planes, memory.at<T>(from) + cb * pixels * block, nullptr, sum);
             for (int64_t lane = 0; lane < std::min(block, channels - cb * block); ++lane)
               memory.at<float>(y)[cb * block + lane] = static_cast<float>(sum[lane]);
           });
  });
}

// A task is one matrix of the stack, or some columns of the only one.
void lower(const MatMul&, const Node& node, Lowering& to) {
  const Shape &a_shape = to.shape(node.inputs[0]), &b_shape = to.shape(node.inputs[1]);
  const int64_t rows = a_shape[a_shape.rank() - 2], inner = a_shape[a_shape.rank() - 1];
  const int64_t columns = b_shape[b_shape.rank() - 1], stack = a_shape.elements() / (rows * inner);
  const Buffer a = to.read(node.inputs[0]), b = to.read(node.inputs[1]), y = to.write(node.outputs[0]);
  const int parts = stack > 1 ? 1 : linear_tasks(rows * inner * columns, columns);
  to.add(node, "sgemm", {a, b}, {y}, static_cast<int>(stack) * parts, [=](const Memory& memory, int task, int) {
    const int64_t matrix = task / parts;
    const Range range = part_of(columns, parts, task % parts);
    multiply('N', 'N', rows, range.size(), inner, memory.at<float>(a) + matrix * rows * inner, inner,
             memory.at<float>(b) + matrix * inner * columns + range.begin, columns, 0.f,
             memory.at<float>(y) + matrix * rows * columns + range.begin, columns);
  });
}

}  // namespace resnet::cpu
