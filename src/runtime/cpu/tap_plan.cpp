// Which pixels and weights meet in a correlation on AMX, and the order of the weights' tiles.
#include "runtime/cpu/convolution_amx.hpp"

#include <algorithm>
#include <functional>

namespace resnet::cpu {

Taps forward_taps(int64_t input, int64_t output, int kernel, int stride, int pad) {
  Taps taps(static_cast<std::size_t>(output));
  for (int64_t at = 0; at < output; ++at)
    for (int k = 0; k < kernel; ++k) {
      const int64_t position = at * stride - pad + k;
      if (position >= 0 && position < input)
        taps[static_cast<std::size_t>(at)].push_back({static_cast<int32_t>(position), k});
    }
  return taps;
}

Taps backward_taps(int64_t input, int64_t output, int kernel, int stride, int pad) {
  Taps taps(static_cast<std::size_t>(input));
  for (int64_t at = 0; at < input; ++at)
    for (int k = kernel - 1; k >= 0; --k) {  // a later tap belongs to an earlier output
      const int64_t from = at + pad - k;
      if (from >= 0 && from % stride == 0 && from / stride < output)
        taps[static_cast<std::size_t>(at)].push_back({static_cast<int32_t>(from / stride), k});
    }
  return taps;
}

namespace {

/// Tiles of weights for some columns of the kernel in a row.
struct Segment {
  std::vector<int32_t> kernel;
  int32_t tile = 0;
};

std::vector<int32_t> kernel_columns(const std::vector<Tap>& taps) {
  std::vector<int32_t> kernel;
  for (const Tap& tap : taps) kernel.push_back(tap.kernel);
  return kernel;
}

// Where in the segment these columns stand as whole tiles; -1 if they do not.
int64_t find_in(const Segment& segment, const std::vector<int32_t>& wanted, int64_t channels) {
  const auto length = static_cast<int64_t>(wanted.size()), all = static_cast<int64_t>(segment.kernel.size());
  for (int64_t begin = 0; begin + length <= all; ++begin) {
    const bool whole = begin * channels % 32 == 0 && (length * channels % 32 == 0 || begin + length == all);
    if (whole && std::equal(wanted.begin(), wanted.end(), segment.kernel.begin() + begin)) return begin;
  }
  return -1;
}

}  // namespace

TapPlan::TapPlan(const Taps& line_taps, const Taps& column_taps, int64_t channels) {
  first_line.push_back(0);
  for (const std::vector<Tap>& taps : line_taps) {
    for (const Tap& tap : taps) lines.push_back({tap.position, tap.kernel});
    first_line.push_back(static_cast<int32_t>(lines.size()));
  }
  // Longest first: most others are a part of them.
  std::vector<std::size_t> order(column_taps.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return column_taps[i].size(); });
  std::vector<Segment> segments;
  spans.resize(column_taps.size());
  for (const std::size_t column : order) {
    const std::vector<int32_t> kernel = kernel_columns(column_taps[column]);
    if (kernel.empty()) continue;
    const auto depth = static_cast<int64_t>(kernel.size()) * channels;
    const auto steps = static_cast<int32_t>((depth + 31) / 32);
    ragged |= depth % 32 != 0;
    int32_t tile = -1;
    for (const Segment& segment : segments)
      if (const int64_t begin = find_in(segment, kernel, channels); begin >= 0)
        tile = segment.tile + static_cast<int32_t>(begin * channels / 32);
    if (tile < 0) {
      tile = row_tiles;
      segments.push_back({kernel, tile});
      for (int64_t k = 0; k < int64_t{steps} * 32; ++k)
        packing.push_back(
            k < depth ? static_cast<int32_t>(kernel[static_cast<std::size_t>(k / channels)] * channels + k % channels)
                      : -1);
      row_tiles += steps;
    }
    spans[column] = {column_taps[column].front().position, tile, steps};
  }
}

}  // namespace resnet::cpu
