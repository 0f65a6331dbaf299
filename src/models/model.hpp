// A model is data: a ModelSpec says everything about a network's structure, build_network() writes it into a graph.
// Names of parameters are torchvision's ("layer1.0.conv1.weight"), or timm's where torchvision has no such network; the
// fully connected networks have their own.
#pragma once

#include "graph/builder.hpp"
#include "graph/graph.hpp"
#include "models/written_out.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// resnet: stages of blocks whose input is added to their output (or not, in a plain network). densenet: stages of
/// layers whose input is kept beside their output. fully_connected: linear layers and ReLU on vectors or flattened
/// images. written_out: a list of layers, for networks that no row of numbers describes.
enum class Family : uint8_t { resnet, densenet, fully_connected, written_out };

/// What comes before the stages. conv3x3: one 3x3 convolution, for small images. conv7x7: 7x7/2 and 3x3/2 max-pool.
/// deep: 3x3/2, 3x3, 3x3 and the max-pool (He et al. 2019, "Bag of tricks", ResNet-C; timm's "d").
enum class Stem : uint8_t { conv3x3, conv7x7, deep };

/// He et al. 2015, figure 5: two 3x3 convolutions, or 1x1, 3x3, 1x1 with four times as many channels at the end.
enum class BlockKind : uint8_t { basic, bottleneck };

/// He et al. 2015, 4.1. none: a plain network. option_a: identity, with subsampling and zero channels where the shape
/// changes. option_b: a 1x1 convolution where the shape changes. option_c: a 1x1 convolution in every block.
/// In a fully connected network option_a is the identity, which always fits; b and c do not exist.
enum class Shortcut : uint8_t { none, option_a, option_b, option_c };

/// Which convolution of a bottleneck has the stride: the 3x3 (torchvision's, "v1.5") or the first 1x1 (the paper's).
enum class StrideAt : uint8_t { conv3x3, conv1x1 };

/// How options B and C reach a smaller image: by the stride of the 1x1 convolution, or by averaging 2x2 pixels before
/// it (ResNet-D; timm's "d").
enum class Projection : uint8_t { strided, pooled };

/// Where option A puts the new channels of zeros: half of them before the old channels (rounded down) and the rest
/// after, or all after (fb.resnet.torch).
enum class ZeroChannels : uint8_t { around, after };

/// Where a residual block has batch norm and ReLU (He et al. 2016, figure 4; `preactivation` is its e). original: ReLU
/// after the addition, BN and ReLU after the convolutions. norm_after_addition: the last BN too comes after the
/// addition. relu_before_addition: the branch ends in the ReLU. relu_preactivation: ReLU before the convolutions, BN
/// after them.
enum class Activation : uint8_t { original, norm_after_addition, relu_before_addition, relu_preactivation };

/// A gate g(x) = sigmoid(W x + b) of each channel and position (He et al. 2016, 3.1). exclusive: g F(x) + (1 - g) x.
/// shortcut_only: F(x) + (1 - g) x.
enum class Gate : uint8_t { none, exclusive, shortcut_only };

/// What one example looks like. A vector is channels x 1 x 1.
struct ImageSize {
  int channels = 3, height = 32, width = 32;
  bool operator==(const ImageSize&) const = default;
  int64_t elements() const { return int64_t{channels} * height * width; }
};

/// The structure of one network. Fields that a family does not name keep their defaults.
struct ModelSpec {
  std::string name = {};  // "resnet20"
  Family family = Family::resnet;
  ImageSize input = {};
  int classes = 10;

  // resnet and densenet: blocks[i] blocks in stage i; each stage but the first halves the image.
  Stem stem = Stem::conv3x3;
  int stem_width = 0;  // channels that leave the stem; 0: as many as widths[0]
  BlockKind block = BlockKind::basic;
  std::vector<int> blocks = {};
  /// Probability of dropout: before the second convolution of a pre-activation basic block (Zagoruyko & Komodakis 2016,
  /// section 2.4), or after each convolution of a dense layer (Huang et al. 2017, section 4.2).
  double dropout = 0;

  // resnet: blocks of widths[i] channels in stage i.
  std::vector<int> widths = {};
  /// Batch norm and ReLU before each convolution and none after the addition (He et al. 2016). These networks have the
  /// tensor names of timm's resnetv2, "stages.0.blocks.0.norm1.weight".
  bool preactivation = false;
  Activation activation = Activation::original;
  Shortcut shortcut = Shortcut::option_a;
  Projection projection = Projection::strided;
  StrideAt stride_at = StrideAt::conv3x3;
  ZeroChannels zero_channels = ZeroChannels::around;
  /// The 3x3 convolution of a bottleneck has `groups` groups of widths[i] / 64 * group_width channels each: ResNeXt's
  /// "32x4d" is 32 groups of width 4 (Xie et al. 2017), a twice as wide ResNet is one of 128.
  int groups = 1, group_width = 64;
  /// Squeeze-and-excitation with channels / squeeze hidden units at the end of each branch (Hu et al. 2018); 0: none.
  int squeeze = 0;
  /// In a training step block l of L is skipped for an image with probability stochastic_depth * l / L (Huang et al.
  /// 2016). What is kept is divided by its probability, so that inference is the plain network.
  double stochastic_depth = 0;
  /// Each block starts as its shortcut: the last batch norm of its branch has gamma 0 (Goyal et al. 2017), or where the
  /// branch ends in a convolution, that one starts at 0.
  bool zero_gamma = false;
  /// What is added at the end of a block is branch_scale F(x) + shortcut_scale x, before that gated, and the shortcut
  /// with dropout of probability shortcut_dropout (He et al. 2016, 3.1). The bias of a gate starts at gate_bias, which
  /// weight decay draws it towards.
  double shortcut_scale = 1, branch_scale = 1;
  Gate gate = Gate::none;
  double gate_bias = 0, shortcut_dropout = 0;

  // densenet: each layer adds `growth` channels; a bottleneck layer has a 1x1 convolution to 4 growth before its 3x3.
  // Between stages a 1x1 convolution keeps the part `compression` of the channels (Huang et al. 2017, section 3).
  int growth = 0;
  double compression = 1;

  // fully_connected: `depth` layers, the first and the last included, or between them `depth` blocks of two layers if
  // there are shortcuts. With relu_output the last layer ends in a ReLU too (the notebook's networks do).
  int width = 0, depth = 0;
  bool relu_output = false;

  WrittenOut written = {};  // written_out: its layers

  bool residual() const {
    return (family == Family::resnet || family == Family::fully_connected) && shortcut != Shortcut::none;
  }
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
  std::optional<double> dropout = {}, stochastic_depth = {};
  std::optional<bool> zero_gamma = {};

  /// Whether anything but the classes and the input is chosen.
  bool chooses_structure() const;
};

/// Models of one kind, from one paper.
struct ModelGroup {
  std::string title;   // "ResNeXt (Xie et al. 2017)"
  std::string recipe;  // how the paper trained them, for those who want its figures; may be empty
  std::vector<ModelSpec> models;
};

/// The zoo, in the order in which it is listed.
const std::vector<ModelGroup>& model_groups();
/// All models of all groups.
const std::vector<ModelSpec>& models();

/// The model of that name with the given options. Beyond models(), resnetN and plainN are known for every N = 6n + 2.
/// Error (usage): unknown name, with the nearest one; an option the model does not have; a value out of range.
ModelSpec find_model(std::string_view name, const ModelOptions& options = {});

/// "residual, basic blocks 3-3-3 of 16-32-64 channels, shortcut A"
std::string describe_structure(const ModelSpec& spec);
/// The same with ", input 3x32x32, 10 classes".
std::string describe(const ModelSpec& spec);

/// Layers with weights from the input to the classes, the number in "ResNet-110". Shortcuts do not count, and a deep
/// stem counts as the one layer that it replaces.
int weight_layers(const ModelSpec& spec);

/// One JSON object, as stored in a model file; equal specs give equal text.
std::string to_json_text(const ModelSpec& spec);

/// The inverse; fields that are absent take their defaults, and files of earlier versions are understood. Error (bad
/// model): not JSON, an unknown field, a field of the wrong type, or a value outside the limits of check().
ModelSpec spec_from_json(const std::string& text);

/// Error (bad model): the spec describes no network that can be built, or an absurdly large one.
void check(const ModelSpec& spec);

/// Names for options and JSON: "none" "A" "B" "C"; "conv3x3" "conv1x1"; "around" "after"; ...
std::string_view name_of(Family family);
std::string_view name_of(Stem stem);
std::string_view name_of(BlockKind block);
std::string_view name_of(Shortcut shortcut);
std::string_view name_of(Projection projection);
std::string_view name_of(StrideAt stride_at);
std::string_view name_of(ZeroChannels zero_channels);
std::string_view name_of(Activation activation);
std::string_view name_of(Gate gate);
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
