// Batch norm. A task is one channel block of some images. With many channel blocks a task takes all images, and its
// second pass finds x in the cache; with few, images are cut into lanes whose statistics are joined in a fixed order.
#include "runtime/cpu/norm.hpp"

#include "runtime/cpu/absorb.hpp"

#include <algorithm>

namespace resnet::cpu {

namespace {

struct NormPlan {
  int64_t images, channels, blocks, pixels, block;
  int lanes;

  NormPlan(const Lowering& to, Value x)
      : images(to.shape(x).n()),
        channels(to.shape(x).c()),
        blocks(to.channel_blocks(x)),
        pixels(to.pixels(x)),
        block(to.block()),
        lanes(static_cast<int>(std::clamp<int64_t>(16 / blocks, 1, std::min(images, max_lanes)))) {
    if (images * pixels * block < 8192) lanes = 1;
  }

  int tasks() const { return static_cast<int>(blocks) * lanes; }
  int64_t channel_block(int task) const { return task / lanes; }
  Range lane(int task) const { return part_of(images, lanes, task % lanes); }
  Planes planes(int task) const { return {lane(task).size(), pixels, blocks * pixels * block, block}; }
  int64_t offset(int task) const { return (lane(task).begin * blocks + channel_block(task)) * pixels * block; }
  double count(int task) const { return static_cast<double>(lane(task).size() * pixels); }
  double all() const { return static_cast<double>(images * pixels); }
  int64_t present(int64_t channel_block) const { return std::min(block, channels - channel_block * block); }
};

/// Per channel of a block; zero in the padding.
using Channels = float[max_block];

void scale_and_shift(const NormPlan& plan, int64_t cb, float epsilon, const float* gamma, const float* beta,
                     const float* mean, const float* var, Channels& scale, Channels& shift) {
  std::fill_n(scale, max_block, 0.f);
  std::fill_n(shift, max_block, 0.f);
  for (int64_t lane = 0; lane < plan.present(cb); ++lane) {
    const int64_t c = cb * plan.block + lane;
    const ScaleShift terms = norm_terms(epsilon, gamma[c], beta[c], mean[c], var[c]);
    scale[lane] = terms.scale;
    shift[lane] = terms.shift;
  }
}

// Mean and variance of a channel block from its lanes' moments (mean and sum of squares about it).
void join_moments(const NormPlan& plan, int64_t cb, const double* moments, float* mean, float* var) {
  for (int64_t lane = 0; lane < plan.present(cb); ++lane) {
    JoinedMoments joined;
    for (int part = 0; part < plan.lanes; ++part) {
      const double* at = moments + (cb * plan.lanes + part) * 2 * max_block;
      joined.add(plan.count(part), at[lane], at[max_block + lane]);
    }
    mean[cb * plan.block + lane] = static_cast<float>(joined.mean);
    var[cb * plan.block + lane] = static_cast<float>(joined.squares / joined.count);
  }
}

struct ForwardBuffers {
  Buffer x, gamma, beta, residual, y, mean, var, moments;
  bool relu = false;
  std::optional<PooledResult> pooled = {};  // then y is the pooling's

  std::vector<Buffer> with_residual(std::vector<Buffer> reads) const {
    if (residual) reads.push_back(residual);
    return reads;
  }
};

template <class T>
void normalise_task(const NormPlan& plan, const ImageKernels<T>& kernels, const ForwardBuffers& b, float epsilon,
                    const Memory& memory, int task) {
  Channels scale, shift;
  scale_and_shift(plan, plan.channel_block(task), epsilon, memory.at<float>(b.gamma), memory.at<float>(b.beta),
                  memory.at<float>(b.mean), memory.at<float>(b.var), scale, shift);
  if (b.pooled) {
    const Range images = plan.lane(task);
    const int64_t cb = plan.channel_block(task);
    for (int64_t n = images.begin; n < images.end; ++n)
      b.pooled->compute(kernels, memory, b.x, n * plan.blocks + cb, {scale, shift, b.relu}, plan.present(cb));
    return;
  }
  const int64_t at = plan.offset(task);
  kernels.normalise(plan.planes(task), memory.at<T>(b.x) + at, b.residual ? memory.at<T>(b.residual) + at : nullptr,
                    memory.at<T>(b.y) + at, scale, shift, b.relu);
}

struct BackwardBuffers {
  Buffer x, dy, gamma, beta, mean, var, dx, dgamma, dbeta, sums;
};

template <class T>
struct Backward {
  NormPlan plan;
  const ImageKernels<T>* kernels;
  BackwardBuffers buffers;
  float epsilon;
  bool relu, constant_statistics;

  void add_sums(const Memory& memory, int task) const {
    Channels mean, scale, shift;
    forward_terms(memory, task, mean, scale, shift);
    double* sums = memory.at<double>(buffers.sums) + int64_t{task} * 2 * max_block;
    kernels->gradient_sums(plan.planes(task), memory.at<T>(buffers.x) + plan.offset(task),
                           memory.at<T>(buffers.dy) + plan.offset(task), mean, scale, shift, relu, sums,
                           sums + max_block);
  }

  // dbeta = sum dy, dgamma = sum dy (x - mean) / sqrt(var + epsilon), over the lanes in their order.
  void join(const Memory& memory, int64_t cb) const {
    for (int64_t lane = 0; lane < plan.present(cb); ++lane) {
      double sum_dy = 0, sum_dy_x = 0;
      for (int part = 0; part < plan.lanes; ++part) {
        const double* at = memory.at<double>(buffers.sums) + (cb * plan.lanes + part) * 2 * max_block;
        sum_dy += at[lane];
        sum_dy_x += at[max_block + lane];
      }
      const int64_t c = cb * plan.block + lane;
      const double deviation = std::sqrt(double{memory.at<float>(buffers.var)[c]} + double{epsilon});
      memory.at<float>(buffers.dbeta)[c] = static_cast<float>(sum_dy);
      memory.at<float>(buffers.dgamma)[c] = static_cast<float>(sum_dy_x / deviation);
    }
  }

  // With constant statistics dx = scale dy.
  void write_gradient(const Memory& memory, int task) const {
    Channels mean, scale, shift, slope = {}, offset = {};
    forward_terms(memory, task, mean, scale, shift);
    const int64_t cb = plan.channel_block(task);
    for (int64_t lane = 0; lane < plan.present(cb) && !constant_statistics; ++lane) {
      const int64_t c = cb * plan.block + lane;
      const SlopeOffset terms =
          slope_and_offset(epsilon, scale[lane], memory.at<float>(buffers.var)[c], memory.at<float>(buffers.dgamma)[c],
                           memory.at<float>(buffers.dbeta)[c], plan.all());
      slope[lane] = terms.slope;
      offset[lane] = terms.offset;
    }
    const int64_t at = plan.offset(task);
    kernels->norm_gradient(plan.planes(task), memory.at<T>(buffers.x) + at, memory.at<T>(buffers.dy) + at,
                           memory.at<T>(buffers.dx) + at, mean, scale, shift, slope, offset, relu);
  }

 private:
  void forward_terms(const Memory& memory, int task, Channels& mean, Channels& scale, Channels& shift) const {
    const int64_t cb = plan.channel_block(task);
    scale_and_shift(plan, cb, epsilon, memory.at<float>(buffers.gamma), memory.at<float>(buffers.beta),
                    memory.at<float>(buffers.mean), memory.at<float>(buffers.var), scale, shift);
    std::fill_n(mean, max_block, 0.f);
    std::copy_n(memory.at<float>(buffers.mean) + cb * plan.block, plan.present(cb), mean);
  }
};

template <class T>
void lower_gradient(float epsilon, bool relu, bool constant_statistics, const Node& node, Lowering& to) {
  const NormPlan plan(to, node.inputs[0]);
  const BackwardBuffers b{.x = to.read(node.inputs[0], Layout::blocked),
                          .dy = to.read(node.inputs[1], Layout::blocked),
                          .gamma = to.read(node.inputs[2]),
                          .beta = to.read(node.inputs[3]),
                          .mean = to.read(node.inputs[4]),
                          .var = to.read(node.inputs[5]),
                          .dx = to.write(node.outputs[0], Layout::blocked),
                          .dgamma = to.write(node.outputs[1]),
                          .dbeta = to.write(node.outputs[2]),
                          .sums = to.temporary(node, "sums", int64_t{plan.tasks()} * 2 * max_block * 8)};
  Step step = to.step(node, "own");
  step.reads = {b.x, b.dy, b.gamma, b.beta, b.mean, b.var};
  step.writes = {b.dx, b.dgamma, b.dbeta, b.sums};
  const Backward<T> backward{plan, &to.kernels.of<T>(), b, epsilon, relu, constant_statistics};
  step.run = [backward, run = to.runner()](const Memory& memory) {
    const NormPlan& p = backward.plan;
    if (p.lanes == 1) {
      run(memory, p.tasks(), [&](const Memory& m, int task, int) {
        backward.add_sums(m, task);
        backward.join(m, task);
        backward.write_gradient(m, task);
      });
      return;
    }
    run(memory, p.tasks(), [&](const Memory& m, int task, int) { backward.add_sums(m, task); });
    for (int64_t cb = 0; cb < p.blocks; ++cb) backward.join(memory, cb);
    // Backwards, since what was read last is still in the cache.
    run(memory, p.tasks(), [&](const Memory& m, int task, int) { backward.write_gradient(m, p.tasks() - 1 - task); });
  };
  to.program.add(std::move(step));
}

template <class T>
void lower_forward(const BatchNorm& op, const Node& node, Lowering& to) {
  const NormPlan plan(to, node.inputs[0]);
  const Buffer x = to.read(node.inputs[0], Layout::blocked);
  const std::optional<PooledResult> pooled = absorb_max_pool(node.outputs[0], op.relu, Layout::blocked, to);
  const NormTarget target = absorb_residual(node.outputs[0], op.relu, Layout::blocked, to);
  const ForwardBuffers b{.x = x,
                         .gamma = to.read(node.inputs[1]),
                         .beta = to.read(node.inputs[2]),
                         .residual = target.residual,
                         .y = pooled ? pooled->y : to.write(target.y, Layout::blocked),
                         .mean = to.write(node.outputs[1]),
                         .var = to.write(node.outputs[2]),
                         .moments = to.temporary(node, "moments", int64_t{plan.tasks()} * 2 * max_block * 8),
                         .relu = target.relu,
                         .pooled = pooled};
  Step step = to.step(node, "own");
  step.reads = b.with_residual({b.x, b.gamma, b.beta});
  step.writes = {b.y, b.mean, b.var, b.moments};
  if (pooled) step.writes.push_back(pooled->positions);
  step.run = [=, kernels = &to.kernels.of<T>(), run = to.runner()](const Memory& memory) {
    const auto measure = [&](const Memory& m, int task) {
      double* moments = m.at<double>(b.moments) + int64_t{task} * 2 * max_block;
      kernels->moments(plan.planes(task), m.at<T>(b.x) + plan.offset(task), moments, moments + max_block);
    };
    const auto join = [&](const Memory& m, int64_t cb) {
      join_moments(plan, cb, m.at<double>(b.moments), m.at<float>(b.mean), m.at<float>(b.var));
    };
    if (plan.lanes == 1) {
      run(memory, plan.tasks(), [&](const Memory& m, int task, int) {
        measure(m, task);
        join(m, task);
        normalise_task(plan, *kernels, b, op.epsilon, m, task);
      });
      return;
    }
    run(memory, plan.tasks(), [&](const Memory& m, int task, int) { measure(m, task); });
    for (int64_t cb = 0; cb < plan.blocks; ++cb) join(memory, cb);
    // Backwards, since what was read last is still in the cache.
    run(memory, plan.tasks(), [&](const Memory& m, int task, int) {
      normalise_task(plan, *kernels, b, op.epsilon, m, plan.tasks() - 1 - task);
    });
  };
  to.program.add(std::move(step));
}

}  // namespace

void lower(const BatchNorm& op, const Node& node, Lowering& to) {
  if (to.image_layout(node.inputs[0]) == Layout::batch_inner) return lower_norm_on_amx(op, node, to);
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) { lower_forward<T>(op, node, to); });
}
void lower(const BatchNormGrad& op, const Node& node, Lowering& to) {
  if (to.image_layout(node.inputs[0]) == Layout::batch_inner)
    return lower_norm_gradient_on_amx(op.epsilon, op.relu, false, node, to);
  with_image_type(to[node.inputs[0]].dtype,
                  [&]<class T>(T) { lower_gradient<T>(op.epsilon, op.relu, false, node, to); });
}
void lower(const BatchNormInferenceGrad& op, const Node& node, Lowering& to) {
  if (to.image_layout(node.inputs[0]) == Layout::batch_inner)
    return lower_norm_gradient_on_amx(op.epsilon, op.relu, true, node, to);
  with_image_type(to[node.inputs[0]].dtype,
                  [&]<class T>(T) { lower_gradient<T>(op.epsilon, op.relu, true, node, to); });
}

void lower(const BatchNormInference& op, const Node& node, Lowering& to) {
  if (to.image_layout(node.inputs[0]) == Layout::batch_inner) return lower_norm_on_amx(op, node, to);
  const NormPlan plan(to, node.inputs[0]);
  const Buffer x = to.read(node.inputs[0], Layout::blocked);
  const NormTarget target = absorb_residual(node.outputs[0], op.relu, Layout::blocked, to);
  const ForwardBuffers b{.x = x,
                         .gamma = to.read(node.inputs[1]),
                         .beta = to.read(node.inputs[2]),
                         .residual = target.residual,
                         .y = to.write(target.y, Layout::blocked),
                         .mean = to.read(node.inputs[3]),
                         .var = to.read(node.inputs[4]),
                         .moments = {},
                         .relu = target.relu};
  with_image_type(to[node.inputs[0]].dtype, [&]<class T>(T) {
    to.add(node, "own", b.with_residual({b.x, b.gamma, b.beta, b.mean, b.var}), {b.y}, plan.tasks(),
           [=, kernels = &to.kernels.of<T>()](const Memory& memory, int task, int) {
             normalise_task(plan, *kernels, b, op.epsilon, memory, task);
           });
  });
}

void lower(const UpdateRunning& op, const Node& node, Lowering& to) {
  const Buffer running = to.read(node.inputs[0]), batch = to.read(node.inputs[1]);
  const Buffer next = to.write_next(node.outputs[0]);
  const int64_t count = to.shape(node.inputs[0]).elements();
  const double keep = 1 - double{op.momentum}, take = double{op.momentum} * op.correction;
  to.add(node, "own", {running, batch}, {next}, 1, [=](const Memory& memory, int, int) {
    const float *old = memory.at<float>(running), *now = memory.at<float>(batch);
    float* out = memory.at<float>(next);
    for (int64_t c = 0; c < count; ++c) out[c] = static_cast<float>(keep * double{old[c]} + take * double{now[c]});
  });
}

}  // namespace resnet::cpu
