// Convolutions on AMX (amx/kernels.hpp): what reads what, how weights are packed, how the work is cut.
#pragma once

#include "runtime/cpu/amx/kernels.hpp"
#include "runtime/cpu/lowering.hpp"

#include <vector>

namespace resnet::cpu {

/// One place along an axis that an output position reads, and with which row or column of the kernel.
struct Tap {
  int32_t position = 0, kernel = 0;
};
/// By output position, ascending places.
using Taps = std::vector<std::vector<Tap>>;

/// Of a convolution along one axis.
Taps forward_taps(int64_t input, int64_t output, int kernel, int stride, int pad);
/// Of its gradient: `input` and `output` are still the convolution's.
Taps backward_taps(int64_t input, int64_t output, int kernel, int stride, int pad);

/// Which products make up a correlation, and in which order its weights are packed.
struct TapPlan {
  TapPlan(const Taps& lines, const Taps& columns, int64_t channels);

  std::vector<amx::Line> lines;
  std::vector<int32_t> first_line;
  std::vector<amx::Span> spans;
  std::vector<int32_t> packing;  // amx::WeightPacking::taps
  int row_tiles = 0;
  bool ragged = false;
};

/// The work of a correlation cut into chunks of groups of images, bands of lines and parts of the output channels.
struct CorrelationCut {
  int64_t groups = 0, lines = 0, blocks = 0;
  int64_t chunks = 1, bands = 1, parts = 1;

  int tasks() const { return static_cast<int>(chunks * bands * parts); }
  amx::CorrelationPart part(int task) const;
  /// Moments are gathered for each chunk and band.
  int64_t moments() const { return chunks * bands; }
  int64_t moment(int task) const { return task / parts; }
};

/// The cut that moves the fewest bytes from the last cache to those of the cores. Bytes are of all weights, of one line
/// of one group of 16 images; `lines_read` how many lines of x a band of that many lines reads.
CorrelationCut cut_correlation(int64_t groups, int64_t lines, int64_t blocks, int64_t weight_bytes,
                               int64_t x_line_bytes, int kernel, int stride);

// The three passes; for convolutions that amx_applies() accepts and images that lie batch-inner.
void lower_on_amx(const Conv& op, const Node& node, Lowering& to);
void lower_on_amx(const ConvGradInput& op, const Node& node, Lowering& to);
void lower_on_amx(const ConvGradWeight& op, const Node& node, Lowering& to);

/// Bytes between lines, pixels and groups of 16 images of a value that lies batch-inner.
amx::Strides batch_inner_strides(const Lowering& to, Value value);

}  // namespace resnet::cpu
