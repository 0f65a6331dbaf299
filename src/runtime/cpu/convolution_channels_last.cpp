// Convolutions of channels-last images: how taps become offsets, how weights are packed, how the work is cut. The order
// in which an output's products are summed does not depend on the cut.
#include "runtime/cpu/amx/channels_last.hpp"

#include "base/bfloat16.hpp"
#include "runtime/cpu/channels_last.hpp"
#include "runtime/cpu/convolution.hpp"

#include <algorithm>
#include <utility>

namespace resnet::cpu {
namespace {

using amx::ChannelsLast;
using amx::ChannelsLastPart;

/// What product number `i` multiplies: `slots` taps from column `kernel_w` on of a kernel's row, channels from
/// `channel`.
struct Product {
  int kernel_h = 0, kernel_w = 0;
  int64_t channel = 0;
};

struct Plan {
  ChannelsLast shape;
  std::vector<Product> products;
  std::vector<int64_t> taps;
  int groups = 1;
};

int64_t slot_for(int64_t channels, const Window& window, bool planar) {
  if (planar) return 4;
  if (window.kernel_w == 1 || window.dilation_w != 1) return amx::line_channels;
  int64_t slot = 4;
  while (slot < channels && slot < amx::line_channels) slot *= 2;
  return slot;
}

/// With many weights for an image of few positions, reading each weight once counts for more than storing 32 channels
/// at a time.
bool is_tall(const ChannelsLast& s, const Window& v) {
  return !s.direct && s.channels * v.kernel_h * v.kernel_w >= 512 && s.out_height * (s.out_width + 2) <= 64;
}

Plan make_plan(const Shape& x, const Shape& y, const Window& v, const Grouping& grouping, bool planar) {
  Plan plan;
  plan.groups = grouping.groups / grouping.merged;
  ChannelsLast& s = plan.shape;
  s = {.height = x.h(), .width = x.w(), .channels = x.c() / plan.groups, .x_pixel = x.c()};
  s.x_image = x.elements() / x.n();
  s.out_height = y.h(), s.out_width = y.w(), s.out_channels = y.c() / plan.groups, s.y_pixel = y.c();
  s.y_image = y.elements() / y.n();
  s.stride_h = v.stride_h, s.stride_w = v.stride_w, s.pad_top = v.pad_top, s.pad_left = v.pad_left;
  s.planar = planar;
  s.direct = v == square_window(1) && s.channels % amx::line_channels == 0;
  s.tall = is_tall(s, v);
  s.slot = slot_for(s.channels, v, planar);
  s.steps = (s.channels + amx::line_channels - 1) / amx::line_channels;
  const int together = static_cast<int>(amx::line_channels / s.slot);
  if (s.direct) {
    // All images' pixels as one row.
    s.out_width = s.columns = x.n() * s.height * s.width;
    s.out_height = 1;
    for (int64_t step = 0; step < s.steps; ++step) {
      plan.products.push_back({0, 0, step * amx::line_channels});
      plan.taps.push_back(step * amx::line_bytes);
    }
    return plan;
  }
  int64_t more_rows = 0, more_columns = 0;
  for (int kh = 0; kh < v.kernel_h; ++kh)
    for (int kw = 0; kw < v.kernel_w; kw += together) {
      const int h = kh * v.dilation_h, w = kw * v.dilation_w;
      s.phases_h = std::max(s.phases_h, h % v.stride_h + 1);
      s.phases_w = std::max(s.phases_w, w % v.stride_w + 1);
      more_rows = std::max<int64_t>(more_rows, h / v.stride_h);
      more_columns = std::max<int64_t>(more_columns, w / v.stride_w);
    }
  s.columns = s.out_width + more_columns;
  // As many rows at a time as leave room in the core's own cache.
  constexpr int64_t room = 384 << 10;
  const int64_t row = s.columns * amx::line_bytes * s.steps * s.phases_h * s.phases_w;
  s.band = std::clamp<int64_t>(room / row - more_rows, 1, s.out_height);
  s.rows = s.band + more_rows;
  // All taps of some channels, then the next channels: neighbouring taps read the same lines.
  for (int64_t step = 0; step < s.steps; ++step)
    for (int kh = 0; kh < v.kernel_h; ++kh)
      for (int kw = 0; kw < v.kernel_w; kw += together) {
        const int h = kh * v.dilation_h, w = kw * v.dilation_w;
        const int64_t plane = (h % v.stride_h * s.phases_w + w % v.stride_w) * s.steps + step;
        plan.products.push_back({kh, kw, step * amx::line_channels});
        plan.taps.push_back((plane * s.lines() + h / v.stride_h * s.columns + w / v.stride_w) * amx::line_bytes);
      }
  return plan;
}

int64_t shares_of(const ChannelsLast& s) { return (s.out_channels + s.share() - 1) / s.share(); }

/// Of one group.
int64_t packed_bytes(const ChannelsLast& s, int64_t products) {
  return shares_of(s) * products * s.share() * amx::line_bytes;
}

/// Of one group, what is read of each image.
int64_t image_bytes(const Plan& plan) { return 2 * plan.shape.x_image / plan.groups; }

/// One share of the output channels as ChannelsLast wants it, from [O,I,kh,kw].
void pack_share(const Plan& plan, const Window& v, const float* w, int64_t share, BFloat16* packed) {
  const ChannelsLast& s = plan.shape;
  const int64_t taps = int64_t{v.kernel_h} * v.kernel_w;
  const int64_t blocks = (std::min(s.out_channels - share * s.share(), s.share()) + 15) / 16;
  for (const Product& product : plan.products)
    for (int64_t block = 0; block < blocks; ++block, packed += 512)
      for (int64_t n = 0; n < 16; ++n) {
        const int64_t out = share * s.share() + block * 16 + n;
        const float* from = w + (out * s.channels + product.channel) * taps + product.kernel_h * v.kernel_w;
        for (int64_t k = 0; k < amx::line_channels; ++k) {
          const int64_t channel = k % s.slot, kw = product.kernel_w + k / s.slot;
          const bool real = out < s.out_channels && product.channel + channel < s.channels && kw < v.kernel_w;
          packed[k / 2 * 32 + n * 2 + k % 2] = real ? to_bfloat16(from[channel * taps + kw]) : BFloat16{};
        }
      }
}

Buffer packed_weights(const std::shared_ptr<const Plan>& plan, const Window& window, Value weights,
                      const Grouping& grouping, Lowering& to) {
  const Buffer from = grouping.merged > 1 ? widened_weights(to, weights, grouping) : to.read(weights);
  const ChannelsLast& s = plan->shape;
  const auto group_bytes = static_cast<std::size_t>(packed_bytes(s, s.products));
  const int64_t group_weights = s.out_channels * s.channels * window.kernel_h * window.kernel_w, shares = shares_of(s);
  Step step =
      to.packing(weights, from, " packed", "pack for amx", group_bytes * static_cast<std::size_t>(plan->groups));
  const Buffer packed = step.writes[0];
  step.run = [=, run = to.runner()](const Memory& memory) {
    run(memory, static_cast<int>(plan->groups * shares), [&](const Memory& m, int task, int) {
      const int64_t group = task / shares, share = task % shares;
      std::byte* into = m.at<std::byte>(packed) + static_cast<std::size_t>(group) * group_bytes;
      pack_share(*plan, window, m.at<float>(from) + group * group_weights, share,
                 reinterpret_cast<BFloat16*>(into) + share * plan->shape.products * plan->shape.share() * 32);
    });
  };
  to.program.add(std::move(step));
  return packed;
}

/// The work in `chunks` of images x `bands` of rows x `parts` of the output channels for each group.
struct Cut {
  int64_t images = 1, rows = 1, shares = 1;  // all
  int64_t chunks = 1, bands = 1, parts = 1;

  int64_t tasks() const { return chunks * bands * parts; }
  ChannelsLastPart part(int64_t task, bool direct) const {
    const Range i = part_of(images, chunks, task / parts / bands), p = part_of(shares, parts, task % parts);
    Range r = part_of(rows, bands, task / parts % bands);
    if (direct) r = {r.begin * 32, r.end * 32};
    return {i.begin, i.end, r.begin, r.end, p.begin, p.end};
  }
};

/// A single image: a task for each thread, since a further one would gather the image or read weights once more; sums
/// do not depend on it. Rows are divided or output channels, whichever leaves less to be read by every thread; weights
/// come from the last cache but half of the image from another core's, which takes longer (ResNet-50: 5.1 instead
/// of 5.3 ms if bytes alone are compared).
Cut cut_image(const Plan& plan, int64_t macs, int64_t threads) {
  const ChannelsLast& s = plan.shape;
  Cut cut{.rows = s.direct ? (s.out_width + 31) / 32 : s.out_height, .shares = shares_of(s)};
  const int64_t most = (threads + plan.groups - 1) / plan.groups;
  const int64_t wanted = std::clamp<int64_t>(macs / plan.groups / 1'000'000, 1, most);
  if (packed_bytes(s, s.products) * 2 < image_bytes(plan) * 3) {
    cut.bands = std::min(wanted, cut.rows);
    cut.parts = std::min((wanted + cut.bands - 1) / cut.bands, cut.shares);
  } else {
    cut.parts = std::min(wanted, cut.shares);
    cut.bands = std::min((wanted + cut.parts - 1) / cut.parts, cut.rows);
  }
  return cut;
}

// Images and bands divide the images that are read, parts divide the weights; each task reads its share of one and all
// of the other from the last cache, which is what limits it. A share of weights should stay in the core's own cache.
Cut cut_work(const Plan& plan, int64_t images, int64_t macs) {
  const ChannelsLast& s = plan.shape;
  Cut best{.images = s.direct ? 1 : images, .rows = s.direct ? (s.out_width + 31) / 32 : s.out_height};
  best.shares = shares_of(s);
  const int64_t weights = packed_bytes(s, s.products), x = images * image_bytes(plan);
  const int64_t wanted = std::clamp<int64_t>(macs / plan.groups / 1'000'000, 1, 64);
  constexpr int64_t own_cache = 1 << 20;  // what is left of a core's own cache for weights
  double least = 0;
  for (int64_t parts = 1; parts <= best.shares; ++parts) {
    Cut cut = best;
    cut.parts = parts;
    const int64_t others = std::min((wanted + parts - 1) / parts, cut.images * cut.rows);
    cut.chunks = std::min(others, cut.images);
    cut.bands = std::min((others + cut.chunks - 1) / cut.chunks, cut.rows);
    const int64_t share = (cut.shares + parts - 1) / parts;  // of the largest part
    const double uneven = static_cast<double>(share * parts) / static_cast<double>(cut.shares);
    const bool kept = s.direct || weights / parts <= own_cache;  // else they are read again for each image
    const int64_t rereads = (kept ? cut.chunks : cut.images) * cut.bands;
    const double halo =
        s.direct ? 1 : static_cast<double>(cut.rows + (s.rows - s.band) * cut.bands) / static_cast<double>(cut.rows);
    const double bytes = (static_cast<double>(rereads * weights) + static_cast<double>(parts * x) * halo) * uneven;
    if (parts == 1 || bytes < least) {
      least = bytes;
      best.chunks = cut.chunks, best.bands = cut.bands, best.parts = cut.parts;
    }
    if (parts >= 4 * wanted) break;
  }
  return best;
}

}  // namespace

bool channels_last_applies(const Conv& conv, const Shape& x, const Shape& y) {
  const Window& v = conv.window;
  const int64_t inputs = x.c() / conv.groups, outputs = y.c() / conv.groups;
  const bool dense = conv.groups == 1 || inputs % 16 == 0 || (16 % inputs == 0 && inputs * outputs > 1);
  return dense && std::min({v.pad_top, v.pad_left}) >= 0 && v.kernel_w * v.dilation_w <= 32;
}

void lower_channels_last(const Conv& op, const Node& node, Lowering& to) {
  const Value x = node.inputs[0], y = node.outputs[0];
  const Shape &x_shape = to.shape(x), &y_shape = to.shape(y);
  const Grouping grouping = choose_grouping(to, x_shape, y_shape, op.groups);
  const bool planar = x_shape.c() <= 4 && op.groups == 1 && op.window.dilation_w == 1 && op.window.kernel_w > 1 &&
                      to.layout(x) == Layout::row_major;
  const auto plan = std::make_shared<Plan>(make_plan(x_shape, y_shape, op.window, grouping, planar));
  plan->shape.taps = plan->taps.data();
  plan->shape.products = static_cast<int64_t>(plan->taps.size());
  plan->shape.weights_first = plan->shape.tall || (x_shape.n() == 1 && packed_bytes(plan->shape, plan->shape.products) >
                                                                           2 * image_bytes(*plan));
  const Buffer weights = packed_weights(plan, op.window, node.inputs[1], grouping, to);
  const Buffer source = to.read(x, planar ? Layout::row_major : Layout::channels_last);
  const Buffer bias = op.bias ? to.read(node.inputs[2]) : Buffer{};
  const Buffer residual = op.add ? to.read(node.inputs.back(), Layout::channels_last) : Buffer{};
  const Buffer result = to.write(y, Layout::channels_last);
  Step step = to.step(node, "amx channels-last");
  step.reads = {source, weights};
  for (Buffer more : {bias, residual})
    if (more) step.reads.push_back(more);
  step.writes = {result};
  const Cut cut = x_shape.n() == 1 ? cut_image(*plan, step.info.macs, static_cast<int64_t>(to.workers->streams.size()))
                                   : cut_work(*plan, x_shape.n(), step.info.macs);
  const auto scratch_bytes = static_cast<std::size_t>(plan->shape.scratch_bytes());
  to.workers->scratch_bytes = std::max(to.workers->scratch_bytes, scratch_bytes);
  const auto task = [=, relu = op.relu, workers = to.workers](const Memory& memory, int index, int worker) {
    const ChannelsLast& s = plan->shape;
    const int64_t group = index / cut.tasks(), in = group * s.channels, out = group * s.out_channels;
    ChannelsLastPart part = cut.part(index % cut.tasks(), s.direct);
    if (s.direct) part.row_end = std::min(part.row_end, s.out_width);
    amx::ChannelsLastFinish finish{.relu = relu};
    if (bias) finish.bias = memory.at<float>(bias) + out;
    if (residual) finish.residual = memory.at<BFloat16>(residual) + out;
    amx::convolve(s, part, memory.at<BFloat16>(source) + in,
                  memory.at<std::byte>(weights) + group * packed_bytes(s, s.products),
                  memory.at<BFloat16>(result) + out, finish,
                  memory.at<std::byte>(workers->scratch) + static_cast<std::size_t>(worker) * workers->scratch_bytes);
  };
  const int tasks = static_cast<int>(cut.tasks()) * plan->groups;
  step.run = [=, run = to.runner()](const Memory& memory) { run(memory, tasks, task); };
  to.program.add(std::move(step));
}

}  // namespace resnet::cpu
