// Batch norm of images that lie batch-inner. A task takes all channels of some pixels; between the pass that sums and
// the one that writes, sums are joined channel by channel in the order of the tasks. What a convolution has measured
// while it wrote its output is not measured again.
#include "runtime/cpu/absorb.hpp"
#include "runtime/cpu/amx/kernels.hpp"
#include "runtime/cpu/norm.hpp"

#include <algorithm>

namespace resnet::cpu {

namespace {

/// The pixels of all groups of 16 images, one after the other, cut into parts.
struct PixelCut {
  int64_t pixels, pairs, channels;
  int parts;

  PixelCut(const Lowering& to, Value x)
      : pixels(to.shape(x).n() / amx::images_in_row * to.pixels(x)),
        pairs(to.channel_pairs(x)),
        channels(to.shape(x).c()),
        parts(tasks_for(pixels * pairs * 32, std::min<int64_t>(pixels, 32))) {}

  Range part(int task) const { return part_of(pixels, parts, task); }
  amx::Pixels size(int task) const { return {part(task).size(), pairs}; }
  int64_t offset(int task) const { return part(task).begin * pairs * 32; }
  double count(int task) const { return static_cast<double>(part(task).size() * amx::images_in_row); }
  double all() const { return static_cast<double>(pixels * amx::images_in_row); }
  int64_t sum_bytes() const { return int64_t{parts} * channels * 2 * 8; }
};

/// work(channel) for all channels.
template <class Work>
void each_channel(const Runner& run, const Memory& memory, int64_t channels, int64_t parts, const Work& work) {
  const int tasks = tasks_for(channels * parts * 16, channels);
  run(memory, tasks, [&](const Memory&, int task, int) {
    const Range range = part_of(channels, tasks, task);
    for (int64_t c = range.begin; c < range.end; ++c) work(c);
  });
}

/// Arrays of channels, one after the other in one buffer.
struct Terms {
  Buffer buffer;
  int64_t channels = 0;
  float* at(const Memory& memory, int64_t array) const { return memory.at<float>(buffer) + array * channels; }
};

Terms make_terms(const Node& node, Lowering& to, int64_t channels, int64_t arrays) {
  return {to.temporary(node, "terms", channels * arrays * 4), channels};
}

struct Statistics {
  Buffer gamma, beta, mean, var;

  ScaleShift terms(const Memory& memory, float epsilon, int64_t c) const {
    return norm_terms(epsilon, memory.at<float>(gamma)[c], memory.at<float>(beta)[c], memory.at<float>(mean)[c],
                      memory.at<float>(var)[c]);
  }
};

/// A task is some lines of the result, over all groups of 16 images.
void pool(const Runner& run, const Memory& memory, const Workers& workers, Buffer x, const PooledResult& pooled,
          int64_t groups, const float* scale, const float* shift) {
  const int64_t height = pooled.sizes.out_height, lines = groups * height;
  const int tasks = tasks_for(groups * pooled.x_plane(), lines);
  run(memory, tasks, [&](const Memory& m, int task, int worker) {
    each_plane(part_of(lines, tasks, task), height, [&](int64_t group, int64_t first, int64_t end) {
      PoolSizes sizes = pooled.sizes;
      sizes.line_begin = first;
      sizes.line_end = end;
      amx::normalise_and_pool(
          sizes, m.at<BFloat16>(x) + group * pooled.x_plane(), scale, shift,
          m.at<BFloat16>(pooled.y) + group * pooled.y_plane(),
          m.at<int32_t>(pooled.positions) + group * pooled.y_plane(),
          m.at<std::byte>(workers.scratch) + static_cast<std::size_t>(worker) * workers.scratch_bytes);
    });
  });
}

const BFloat16* at_or_null(const Memory& memory, Buffer buffer, int64_t offset) {
  return buffer ? memory.at<BFloat16>(buffer) + offset : nullptr;
}

}  // namespace

void lower_norm_on_amx(const BatchNorm& op, const Node& node, Lowering& to) {
  const Value input = node.inputs[0];
  const PixelCut cut(to, input);
  const Buffer x = to.read(input, Layout::batch_inner);
  const std::optional<PooledResult> pooled = absorb_max_pool(node.outputs[0], op.relu, Layout::batch_inner, to);
  if (pooled)
    to.workers->scratch_bytes =
        std::max(to.workers->scratch_bytes, static_cast<std::size_t>(amx::pool_scratch_bytes(pooled->sizes)));
  const NormTarget target = absorb_residual(node.outputs[0], op.relu, Layout::batch_inner, to);
  const Buffer y = pooled ? pooled->y : to.write(target.y, Layout::batch_inner), residual = target.residual;
  const Statistics s{to.read(node.inputs[1]), to.read(node.inputs[2]), to.write(node.outputs[1]),
                     to.write(node.outputs[2])};
  const Terms terms = make_terms(node, to, cut.channels, 2);
  const auto measured = to.moments.find(input);
  const bool known = measured != to.moments.end();
  std::vector<double> counts;
  for (int task = 0; !known && task < cut.parts; ++task) counts.push_back(cut.count(task));
  if (known) counts = measured->second.counts;
  const Buffer moments = known ? measured->second.buffer : to.temporary(node, "moments", cut.sum_bytes());
  Step step = to.step(node, known ? "own, measured before" : "own");
  step.reads = {x, s.gamma, s.beta};
  if (known) step.reads.push_back(moments);
  if (residual) step.reads.push_back(residual);
  step.writes = {y, s.mean, s.var, terms.buffer};
  if (pooled) step.writes.push_back(pooled->positions);
  if (!known) step.writes.push_back(moments);
  step.run = [=, run = to.runner(), workers = to.workers,
              groups = to.shape(input).n() / amx::images_in_row](const Memory& memory) {
    if (!known)
      run(memory, cut.parts, [&](const Memory& m, int task, int) {
        amx::moments(cut.size(task), m.at<BFloat16>(x) + cut.offset(task),
                     m.at<double>(moments) + task * cut.channels * 2);
      });
    each_channel(run, memory, cut.channels, static_cast<int64_t>(counts.size()), [&](int64_t c) {
      JoinedMoments joined;
      const double* at = memory.at<double>(moments) + c * 2;
      for (std::size_t part = 0; part < counts.size(); ++part, at += cut.channels * 2)
        joined.add(counts[part], at[0], at[1]);
      memory.at<float>(s.mean)[c] = static_cast<float>(joined.mean);
      memory.at<float>(s.var)[c] = static_cast<float>(joined.squares / joined.count);
      const ScaleShift t = s.terms(memory, op.epsilon, c);
      terms.at(memory, 0)[c] = t.scale;
      terms.at(memory, 1)[c] = t.shift;
    });
    if (pooled) return pool(run, memory, *workers, x, *pooled, groups, terms.at(memory, 0), terms.at(memory, 1));
    // Backwards, since what was read or written last is still in the cache.
    run(memory, cut.parts, [&](const Memory& m, int index, int) {
      const int task = cut.parts - 1 - index;
      amx::normalise(cut.size(task), m.at<BFloat16>(x) + cut.offset(task), at_or_null(m, residual, cut.offset(task)),
                     m.at<BFloat16>(y) + cut.offset(task), terms.at(m, 0), terms.at(m, 1), target.relu);
    });
  };
  to.program.add(std::move(step));
}

void lower_norm_on_amx(const BatchNormInference& op, const Node& node, Lowering& to) {
  const PixelCut cut(to, node.inputs[0]);
  const Buffer x = to.read(node.inputs[0], Layout::batch_inner);
  const NormTarget target = absorb_residual(node.outputs[0], op.relu, Layout::batch_inner, to);
  const Buffer y = to.write(target.y, Layout::batch_inner), residual = target.residual;
  const Statistics s{to.read(node.inputs[1]), to.read(node.inputs[2]), to.read(node.inputs[3]),
                     to.read(node.inputs[4])};
  const Terms terms = make_terms(node, to, cut.channels, 2);
  Step step = to.step(node, "own");
  step.reads = {x, s.gamma, s.beta, s.mean, s.var};
  if (residual) step.reads.push_back(residual);
  step.writes = {y, terms.buffer};
  step.run = [=, run = to.runner()](const Memory& memory) {
    for (int64_t c = 0; c < cut.channels; ++c) {
      const ScaleShift t = s.terms(memory, op.epsilon, c);
      terms.at(memory, 0)[c] = t.scale;
      terms.at(memory, 1)[c] = t.shift;
    }
    run(memory, cut.parts, [&](const Memory& m, int task, int) {
      amx::normalise(cut.size(task), m.at<BFloat16>(x) + cut.offset(task), at_or_null(m, residual, cut.offset(task)),
                     m.at<BFloat16>(y) + cut.offset(task), terms.at(m, 0), terms.at(m, 1), target.relu);
    });
  };
  to.program.add(std::move(step));
}

void lower_norm_gradient_on_amx(float epsilon, bool relu, bool constant_statistics, const Node& node, Lowering& to) {
  const PixelCut cut(to, node.inputs[0]);
  const Buffer x = to.read(node.inputs[0], Layout::batch_inner), dy = to.read(node.inputs[1], Layout::batch_inner);
  const Statistics s{to.read(node.inputs[2]), to.read(node.inputs[3]), to.read(node.inputs[4]),
                     to.read(node.inputs[5])};
  const Buffer dx = to.write(node.outputs[0], Layout::batch_inner), dgamma = to.write(node.outputs[1]),
               dbeta = to.write(node.outputs[2]);
  const Buffer sums = to.temporary(node, "sums", cut.sum_bytes());
  const Terms terms = make_terms(node, to, cut.channels, 4);
  Step step = to.step(node, "own");
  step.reads = {x, dy, s.gamma, s.beta, s.mean, s.var};
  step.writes = {dx, dgamma, dbeta, sums, terms.buffer};
  step.run = [=, run = to.runner()](const Memory& memory) {
    const amx::NormTerms forward{memory.at<float>(s.mean), terms.at(memory, 0), terms.at(memory, 1), relu};
    for (int64_t c = 0; c < cut.channels; ++c) {
      const ScaleShift t = s.terms(memory, epsilon, c);
      terms.at(memory, 0)[c] = t.scale;
      terms.at(memory, 1)[c] = t.shift;
    }
    run(memory, cut.parts, [&](const Memory& m, int task, int) {
      amx::gradient_sums(cut.size(task), m.at<BFloat16>(x) + cut.offset(task), m.at<BFloat16>(dy) + cut.offset(task),
                         forward, m.at<double>(sums) + task * cut.channels * 2);
    });
    // dbeta = sum dy, dgamma = sum dy (x - mean) / sqrt(var + epsilon)
    each_channel(run, memory, cut.channels, cut.parts, [&](int64_t c) {
      double sum_dy = 0, sum_dy_x = 0;
      const double* at = memory.at<double>(sums) + c * 2;
      for (int part = 0; part < cut.parts; ++part, at += cut.channels * 2) {
        sum_dy += at[0];
        sum_dy_x += at[1];
      }
      const float var = memory.at<float>(s.var)[c];
      memory.at<float>(dbeta)[c] = static_cast<float>(sum_dy);
      memory.at<float>(dgamma)[c] = static_cast<float>(sum_dy_x / std::sqrt(double{var} + double{epsilon}));
      const SlopeOffset t = constant_statistics
                                ? SlopeOffset{}
                                : slope_and_offset(epsilon, forward.scale[c], var, memory.at<float>(dgamma)[c],
                                                   memory.at<float>(dbeta)[c], cut.all());
      terms.at(memory, 2)[c] = t.slope;
      terms.at(memory, 3)[c] = t.offset;
    });
    // Backwards, since what was read last is still in the cache.
    run(memory, cut.parts, [&](const Memory& m, int index, int) {
      const int task = cut.parts - 1 - index;
      amx::norm_gradient(cut.size(task), m.at<BFloat16>(x) + cut.offset(task), m.at<BFloat16>(dy) + cut.offset(task),
                         m.at<BFloat16>(dx) + cut.offset(task), forward, terms.at(m, 2), terms.at(m, 3));
    });
  };
  to.program.add(std::move(step));
}

}  // namespace resnet::cpu
