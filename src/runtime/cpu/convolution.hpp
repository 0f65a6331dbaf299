// What the three passes of a convolution share: the problem as oneDNN takes it, primitives cached by shape, layouts.
#pragma once

#include "runtime/cpu/choice.hpp"
#include "runtime/cpu/lowering.hpp"

#include <optional>
#include <vector>

namespace resnet::cpu {

/// Layouts of the image side (x, dx) and the output side (y, dy).
struct ConvolutionLayouts {
  Layout source = Layout::blocked, destination = Layout::blocked;
};

struct ConvolutionRequest {
  Candidate::Kind kind = Candidate::forward;
  ConvolutionSizes sizes = {};  // sizes.images is replaced by what one task gets
  Window window = {};
  ConvolutionLayouts layouts = {};
  DType type = DType::f32;  // of the images; bf16 meets weights rounded to bf16 and gives gradients of weights in f32
  bool bias = false, relu = false, inference = false;
};

/// How the groups of a convolution are computed.
struct Grouping {
  int groups = 1;  // of the convolution
  int merged = 1;  // of them in each group of the primitive; 1: as they are
};

/// For a convolution of images of shape `x` to shape `y`.
Grouping choose_grouping(const Lowering& to, const Shape& x, const Shape& y, int groups);

/// Sizes of a convolution of images of shape `x` to shape `y`, as the primitives compute it.
ConvolutionSizes convolution_sizes(const Shape& x, const Shape& y, const Window& window, const Grouping& grouping);

/// The primitive for `images` images and `out_channels` output channels of the request; nothing if oneDNN only has its
/// reference implementation for these layouts, unless they are row-major on both sides.
std::shared_ptr<Primitive> find_convolution(Lowering& to, ConvolutionRequest request, int64_t images,
                                            int64_t out_channels);

/// Sets the request's layouts to the first that oneDNN has a real implementation for. Images that lie row-major and
/// have fewer channels than a block (the network's input) are best taken as they are.
void choose_layouts(Lowering& to, ConvolutionRequest& request, Layout source_stored, int64_t images,
                    int64_t out_channels);

/// A task's share of `rows` x `columns` pieces of work, which are cut into `bands` x `parts`.
struct TwoWayCut {
  int64_t rows = 1, columns = 1;
  int64_t bands = 1, parts = 1;

  int count() const { return static_cast<int>(bands * parts); }
  Range band(int task) const { return part_of(rows, bands, task / parts); }
  Range part(int task) const { return part_of(columns, parts, task % parts); }
};

/// How images are shared out to tasks: `lanes` of nearly equal size.
int lanes_for(int64_t images, int64_t macs);

/// Weights [O,I/groups,kh,kw] with zeros between merged groups: [O,merged I/groups,kh,kw].
Buffer widened_weights(Lowering& to, Value weights, const Grouping& grouping);
/// The inverse, for a gradient; `weights` is the narrow shape.
void narrow_weights(const Shape& weights, const Grouping& grouping, const float* wide, float* narrow);

/// Taps of a kernel, counted row by row, that see nothing but padding wherever the window stands. oneDNN 2.6.3 takes
/// their gradients in bf16 from memory that nothing has written; none for other requests.
std::vector<int> idle_taps_in_bf16(const ConvolutionRequest& request);

/// Weights packed for a primitive in `parts` equal pieces along O, one after the other.
Buffer pack_weights(Lowering& to, Value weights, const Grouping& grouping, const MemoryDesc& wanted, int parts);

/// Where own_1x1_applies.
void lower_1x1(const Conv& op, const Node& node, Lowering& to);
void lower_1x1(const ConvGradInput& op, const Node& node, Lowering& to);

/// Where own_3x3_applies.
void lower_3x3(const Conv& op, const Node& node, Lowering& to);

/// The row-major description of weights with the dimensions of `like` ([O,I,kh,kw] or [G,O/G,I/G,kh,kw]).
MemoryDesc row_major_weights(const MemoryDesc& like);

}  // namespace resnet::cpu
