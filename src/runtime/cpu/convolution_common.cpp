#include "runtime/cpu/convolution.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace resnet::cpu {

using dnnl::memory;
using Tag = dnnl::memory::format_tag;

ConvolutionSizes convolution_sizes(const Shape& x, const Shape& y, const Window& window, const Grouping& grouping) {
  return {.images = x.n(),
          .channels = x.c(),
          .height = x.h(),
          .width = x.w(),
          .out_channels = y.c(),
          .out_height = y.h(),
          .out_width = y.w(),
          .groups = grouping.groups / grouping.merged,
          .kernel_h = window.kernel_h,
          .kernel_w = window.kernel_w,
          .stride_h = window.stride_h,
          .stride_w = window.stride_w,
          .dilation_h = window.dilation_h,
          .dilation_w = window.dilation_w};
}

namespace {

memory::data_type data_type(DType type) {
  return type == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

MemoryDesc images_desc(const Lowering& to, memory::dims dims, DType type, Layout layout) {
  const Tag blocked = to.block() == 16 ? Tag::nChw16c : Tag::nChw8c;
  return {std::move(dims), data_type(type), layout == Layout::blocked ? blocked : Tag::nchw};
}

ConvolutionProblem problem_of(const Lowering& to, const ConvolutionRequest& request) {
  const ConvolutionSizes& s = request.sizes;
  const Window& v = request.window;
  ConvolutionProblem problem;
  problem.source = images_desc(to, {s.images, s.channels, s.height, s.width}, request.type, request.layouts.source);
  problem.destination =
      images_desc(to, {s.images, s.out_channels, s.out_height, s.out_width}, request.type, request.layouts.destination);
  memory::dims weights = {s.out_channels / s.groups, s.channels / s.groups, v.kernel_h, v.kernel_w};
  if (s.groups > 1) weights.insert(weights.begin(), s.groups);
  problem.weights = {weights, data_type(request.type), Tag::any};
  if (request.bias) problem.bias = MemoryDesc({s.out_channels}, memory::data_type::f32, Tag::a);
  problem.strides = {v.stride_h, v.stride_w};
  problem.dilations = {v.dilation_h - 1, v.dilation_w - 1};
  problem.padding_before = {v.pad_top, v.pad_left};
  problem.padding_after = {v.pad_bottom, v.pad_right};
  problem.inference = request.inference;
  problem.relu = request.relu;
  problem.algorithm =
      choose_algorithm(s, request.type, to.kernels.isa, request.inference, to.program.options().convolutions);
  return problem;
}

std::vector<int64_t> key_of(const ConvolutionRequest& r) {
  const ConvolutionSizes& s = r.sizes;
  const Window& v = r.window;
  return {r.kind,
          s.images,
          s.channels,
          s.height,
          s.width,
          s.out_channels,
          s.out_height,
          s.out_width,
          s.groups,
          v.kernel_h,
          v.kernel_w,
          v.stride_h,
          v.stride_w,
          v.pad_top,
          v.pad_left,
          v.pad_bottom,
          v.pad_right,
          v.dilation_h,
          v.dilation_w,
          static_cast<int64_t>(r.layouts.source),
          static_cast<int64_t>(r.layouts.destination),
          static_cast<int64_t>(r.type),
          r.bias,
          r.relu,
          r.inference};
}

/// Whether each of a kernel's taps along an axis lies in the padding wherever the window stands.
std::vector<bool> idle_along(int64_t input, int64_t output, int kernel, int stride, int pad, int dilation) {
  std::vector<bool> idle(static_cast<std::size_t>(kernel), true);
  for (int tap = 0; tap < kernel; ++tap)
    for (int64_t at = 0; at < output; ++at) {
      const int64_t position = at * stride - pad + int64_t{tap} * dilation;
      if (position >= 0 && position < input) idle[static_cast<std::size_t>(tap)] = false;
    }
  return idle;
}

}  // namespace

std::vector<int> idle_taps_in_bf16(const ConvolutionRequest& r) {
  if (r.type != DType::bf16 || r.kind != Candidate::backward_weights) return {};
  const ConvolutionSizes& s = r.sizes;
  const Window& v = r.window;
  const std::vector<bool> rows = idle_along(s.height, s.out_height, v.kernel_h, v.stride_h, v.pad_top, v.dilation_h);
  const std::vector<bool> columns = idle_along(s.width, s.out_width, v.kernel_w, v.stride_w, v.pad_left, v.dilation_w);
  std::vector<int> taps;
  for (std::size_t row = 0; row < rows.size(); ++row)
    for (std::size_t column = 0; column < columns.size(); ++column)
      if (rows[row] || columns[column]) taps.push_back(static_cast<int>(row * columns.size() + column));
  return taps;
}

std::shared_ptr<Primitive> find_convolution(Lowering& to, ConvolutionRequest request, int64_t images,
                                            int64_t out_channels) {
  request.sizes.images = images;
  request.sizes.out_channels = out_channels;
  const auto [entry, added] = to.primitives.try_emplace(key_of(request));
  if (!added) return entry->second;
  ConvolutionProblem problem = problem_of(to, request);
  std::optional<Candidate> found = convolution_candidate(request.kind, problem, to.workers->engine);
  if (!found && problem.algorithm == dnnl::algorithm::convolution_winograd) {
    problem.algorithm = dnnl::algorithm::convolution_direct;
    found = convolution_candidate(request.kind, problem, to.workers->engine);
  }
  const bool last_resort =
      request.layouts.source == Layout::row_major && request.layouts.destination == Layout::row_major;
  if (!last_resort && !idle_taps_in_bf16(request).empty()) return nullptr;
  if (!found || (!last_resort && found->implementation.starts_with("ref"))) return nullptr;
  return entry->second = std::make_shared<Primitive>(*found, to.workers);
}

void choose_layouts(Lowering& to, ConvolutionRequest& request, Layout source_stored, int64_t images,
                    int64_t out_channels) {
  std::vector<ConvolutionLayouts> options;
  const bool few_channels = request.sizes.channels < to.block();
  if (source_stored == Layout::row_major && few_channels) options.push_back({Layout::row_major, Layout::blocked});
  options.push_back({Layout::blocked, Layout::blocked});
  options.push_back({Layout::row_major, Layout::row_major});
  for (const ConvolutionLayouts& layouts : options) {
    request.layouts = layouts;
    if (find_convolution(to, request, images, out_channels)) return;
  }
  fail("cpu backend: oneDNN offers no implementation of this convolution");
}

int lanes_for(int64_t images, int64_t macs) {
  // A lane should be worth some ten microseconds.
  const int64_t most = std::clamp<int64_t>(macs / 500'000, 1, 8);
  return static_cast<int>(std::min(images, most));
}

MemoryDesc row_major_weights(const MemoryDesc& like) {
  const memory::dims dims = dims_of(like);
  return {dims, memory::data_type::f32, dims.size() == 5 ? Tag::abcde : Tag::abcd};
}

Buffer pack_weights(Lowering& to, Value weights, const Grouping& grouping, const MemoryDesc& wanted, int parts) {
  const MemoryDesc plain = row_major_weights(wanted);
  const Buffer from = grouping.merged > 1 ? widened_weights(to, weights, grouping) : to.read(weights);
  if (wanted == plain) return from;
  for (const Lowering::Packed& known : to.packed)
    if (known.value == weights && known.parts == parts && known.desc == wanted) return known.buffer;
  const std::size_t part_bytes = packed_bytes(wanted);
  const auto reorder = std::make_shared<Primitive>(reorder_candidate(plain, wanted, to.workers->engine), to.workers);
  const std::size_t plain_bytes = plain.get_size();
  Step step = to.packing(weights, from, " packed", "reorder " + reorder->implementation(),
                         part_bytes * static_cast<std::size_t>(parts));
  const Buffer buffer = step.writes[0];
  step.run = [=, run = to.runner()](const Memory& memory) {
    run(memory, parts, [&](const Memory& m, int part, int worker) {
      const auto p = static_cast<std::size_t>(part);
      reorder->run(m, worker, {m.at<std::byte>(from) + p * plain_bytes, m.at<std::byte>(buffer) + p * part_bytes});
    });
  };
  to.program.add(std::move(step));
  to.packed.push_back({weights, parts, wanted, buffer});
  return buffer;
}

}  // namespace resnet::cpu
