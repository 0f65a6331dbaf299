// A model is data: a ModelSpec says everything about a network's structure, build_network() writes it into a graph.
// Names of parameters are torchvision's ("layer1.0.conv1.weight"); the fully connected networks have their own.
#pragma once

#include "graph/builder.hpp"
#include "graph/graph.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// cifar: 3x3 stem, three stages or as many as given. imagenet: 7x7/2 stem and 3x3/2 max-pool. fully_connected: linear
/// layers and ReLU on vectors or flattened images.
enum class Family : uint8_t { cifar, imagenet, fully_connected };

/// He et al. 2015, figure 5: two 3x3 convolutions, or 1x1, 3x3, 1x1 with four times as many channels at the end.
enum class BlockKind : uint8_t { basic, bottleneck };

/// He et al. 2015, 4.1. none: a plain network. option_a: identity, with subsampling and zero channels where the shape
/// changes. option_b: a 1x1 convolution where the shape changes. option_c: a 1x1 convolution in every block.
/// In a fully connected network option_a is the identity, which always fits; b and c do not exist.
enum class Shortcut : uint8_t { none, option_a, option_b, option_c };

/// Which convolution of a bottleneck has the stride: the 3x3 (torchvision's, "v1.5") or the first 1x1 (the paper's).
enum class StrideAt : uint8_t { conv3x3, conv1x1 };

/// Where option A puts the new channels of zeros: half of them before the old channels (rounded down) and the rest
/// after, or all after (fb.resnet.torch).
enum class ZeroChannels : uint8_t { around, after };

/// What one example looks like. A vector is channels x 1 x 1.
struct ImageSize {
  int channels = 3, height = 32, width = 32;
  bool operator==(const ImageSize&) const = default;
  int64_t elements() const { return int64_t{channels} * height * width; }
};

/// The structure of one network.
struct ModelSpec {
  std::string name;  // "resnet20"
  Family family = Family::cifar;
  ImageSize input = {};
  int classes = 10;

  // Convolutional families: blocks[i] blocks of widths[i] channels in stage i; each stage but the first halves the
  // image.
  BlockKind block = BlockKind::basic;
  std::vector<int> blocks = {};
  std::vector<int> widths = {};
  Shortcut shortcut = Shortcut::option_a;
  StrideAt stride_at = StrideAt::conv3x3;
  ZeroChannels zero_channels = ZeroChannels::around;

  // Fully connected: `depth` layers, the first and the last included, or between them `depth` blocks of two layers if
  // there are shortcuts. With relu_output the last layer ends in a ReLU too (the notebook's networks do).
  int width = 0, depth = 0;
  bool relu_output = false;

  bool residual() const { return shortcut != Shortcut::none; }
  bool operator==(const ModelSpec&) const = default;
};

/// What a user may choose of a model of the zoo; what is not set stays as its row says.
struct ModelOptions {
  std::optional<int> classes = {};
  std::optional<ImageSize> input = {};
  std::optional<Shortcut> shortcut = {};
  std::optional<StrideAt> stride_at = {};
  std::optional<ZeroChannels> zero_channels = {};
  std::optional<int> width = {}, depth = {};  // fully connected only
};

/// The zoo, in the order in which it is listed.
const std::vector<ModelSpec>& models();

/// The model of that name with the given options. Beyond models(), resnetN and plainN are known for every N = 6n + 2.
/// Error (usage): unknown name, with the nearest one; an option the model does not have; a value out of range.
ModelSpec find_model(std::string_view name, const ModelOptions& options = {});

/// "residual, basic blocks 3-3-3 of 16-32-64 channels, shortcut A, input 3x32x32, 10 classes"
std::string describe(const ModelSpec& spec);

/// One JSON object, as stored in a model file; equal specs give equal text.
std::string to_json_text(const ModelSpec& spec);

/// The inverse; fields that are absent take their defaults. Error (bad model): not JSON, an unknown field, a field of
/// the wrong type, or a value outside the limits of check().
ModelSpec spec_from_json(const std::string& text);

/// Error (bad model): the spec describes no network that can be built, or an absurdly large one.
void check(const ModelSpec& spec);

/// Names for options and JSON: "none" "A" "B" "C"; "conv3x3" "conv1x1"; "around" "after"; ...
std::string_view name_of(Family family);
std::string_view name_of(BlockKind block);
std::string_view name_of(Shortcut shortcut);
std::string_view name_of(StrideAt stride_at);
std::string_view name_of(ZeroChannels zero_channels);
/// From the user's text (case does not matter). Error (usage): none of the four.
Shortcut shortcut_from_name(std::string_view name);
/// Error (usage): neither "conv3x3" nor "conv1x1".
StrideAt stride_at_from_name(std::string_view name);

/// Appends the network to the builder's graph. images: [N,C,H,W], or [N,C*H*W] for a fully connected network.
/// Returns the logits [N,classes]. Error: `images` is not the spec's input.
Value build_network(Builder& net, const ModelSpec& spec, Value images);

/// Input "images" [batch,C,H,W]; outputs "logits" and "probabilities" [batch,classes].
Graph forward_graph(const ModelSpec& spec, int64_t batch, Mode mode);

/// Inputs "images" [batch,C,H,W] and "labels" (i32 [batch]) or, with soft targets, "targets" (f32 [batch,classes]);
/// outputs "loss" [1] (mean over the batch), "probabilities" and "logits" [batch,classes].
Graph loss_graph(const ModelSpec& spec, int64_t batch, Mode mode, float smoothing = 0, bool soft_targets = false);

}  // namespace resnet
