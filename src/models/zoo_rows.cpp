// The zoo's tables: one row for each published network.
#include "models/zoo_rows.hpp"
#include "base/error.hpp"

#include <array>

namespace resnet {

/// He et al. 2015, 4.2: a first convolution, 2n of 16, 32 and 64 channels each, a linear layer: 6n + 2.
ModelSpec cifar_model(int depth, bool residual) {
  const int blocks = (depth - 2) / 6;
  return {.name = text_of(residual ? "resnet" : "plain", depth),
          .blocks = {blocks, blocks, blocks},
          .widths = {16, 32, 64},
          .shortcut = residual ? Shortcut::option_a : Shortcut::none};
}

namespace {

/// The depths of table 6; others of the form 6n + 2 are built by the same rule.
constexpr int cifar_depths[] = {20, 32, 44, 56, 110, 1202};

std::vector<ModelSpec> cifar_models(bool residual) {
  std::vector<ModelSpec> rows;
  for (const int depth : cifar_depths) rows.push_back(cifar_model(depth, residual));
  return rows;
}

/// He et al. 2016: 6n + 2 with basic blocks, 9n + 2 with bottlenecks, which project where the shape changes and have
/// the stride on their first convolution.
ModelSpec preactivation_model(int depth, BlockKind block) {
  const bool bottleneck = block == BlockKind::bottleneck;
  const int blocks = (depth - 2) / (bottleneck ? 9 : 6);
  return {.name = text_of("preact_resnet", depth),
          .block = block,
          .blocks = {blocks, blocks, blocks},
          .widths = {16, 32, 64},
          .preactivation = true,
          .shortcut = bottleneck ? Shortcut::option_b : Shortcut::option_a,
          .stride_at = bottleneck ? StrideAt::conv1x1 : StrideAt::conv3x3};
}

/// WRN-depth-factor, 6n + 4: the projections of the three stages are counted in.
ModelSpec wide_model(int depth, int factor) {
  const int blocks = (depth - 4) / 6;
  return {.name = text_of("wrn", depth, "_", factor),
          .stem_width = 16,
          .blocks = {blocks, blocks, blocks},
          .widths = {16 * factor, 32 * factor, 64 * factor},
          .preactivation = true,
          .shortcut = Shortcut::option_b};
}

/// Xie et al. 2017, section 5.3.
ModelSpec resnext29(int groups) {
  return {.name = text_of("resnext29_", groups, "x64d"),
          .block = BlockKind::bottleneck,
          .blocks = {3, 3, 3},
          .widths = {64, 128, 256},
          .shortcut = Shortcut::option_b,
          .groups = groups};
}

/// Huang et al. 2017, section 3: 3n + 4 with basic layers, 6n + 4 with bottlenecks.
ModelSpec cifar_densenet(const char* name, BlockKind block, int layers) {
  constexpr int growth = 12;
  const bool bottleneck = block == BlockKind::bottleneck;
  return {.name = name,
          .family = Family::densenet,
          .stem_width = bottleneck ? 2 * growth : 16,
          .block = block,
          .blocks = {layers, layers, layers},
          .growth = growth,
          .compression = bottleneck ? 0.5 : 1};
}

/// What a network for ImageNet has that He et al.'s does not.
struct Variation {
  Stem stem = Stem::conv7x7;
  Projection projection = Projection::strided;
  Shortcut shortcut = Shortcut::option_b;
  int groups = 1, group_width = 64, squeeze = 0;
  bool preactivation = false, zero_gamma = false;
};
struct ImageNetRow {
  const char* name;
  BlockKind block;
  std::array<int, 4> blocks;
  Variation variation = {};
};

constexpr ImageNetRow imagenet_rows[] = {
    {"resnet18", BlockKind::basic, {2, 2, 2, 2}},
    {"resnet34", BlockKind::basic, {3, 4, 6, 3}},
    {"resnet50", BlockKind::bottleneck, {3, 4, 6, 3}},
    {"resnet101", BlockKind::bottleneck, {3, 4, 23, 3}},
    {"resnet152", BlockKind::bottleneck, {3, 8, 36, 3}},
    {"plain18", BlockKind::basic, {2, 2, 2, 2}, {.shortcut = Shortcut::none}},
    {"plain34", BlockKind::basic, {3, 4, 6, 3}, {.shortcut = Shortcut::none}},
};
constexpr ImageNetRow wider_rows[] = {
    {"resnext50_32x4d", BlockKind::bottleneck, {3, 4, 6, 3}, {.groups = 32, .group_width = 4}},
    {"resnext101_32x8d", BlockKind::bottleneck, {3, 4, 23, 3}, {.groups = 32, .group_width = 8}},
    {"resnext101_64x4d", BlockKind::bottleneck, {3, 4, 23, 3}, {.groups = 64, .group_width = 4}},
    {"wide_resnet50_2", BlockKind::bottleneck, {3, 4, 6, 3}, {.group_width = 128}},
    {"wide_resnet101_2", BlockKind::bottleneck, {3, 4, 23, 3}, {.group_width = 128}},
};
constexpr Variation resnet_d = {.stem = Stem::deep, .projection = Projection::pooled, .zero_gamma = true};
constexpr ImageNetRow timm_rows[] = {
    {"resnet18d", BlockKind::basic, {2, 2, 2, 2}, resnet_d},
    {"resnet34d", BlockKind::basic, {3, 4, 6, 3}, resnet_d},
    {"resnet50d", BlockKind::bottleneck, {3, 4, 6, 3}, resnet_d},
    {"resnet101d", BlockKind::bottleneck, {3, 4, 23, 3}, resnet_d},
    {"resnet152d", BlockKind::bottleneck, {3, 8, 36, 3}, resnet_d},
    {"resnet200d", BlockKind::bottleneck, {3, 24, 36, 3}, resnet_d},
    {"seresnet50", BlockKind::bottleneck, {3, 4, 6, 3}, {.squeeze = 16, .zero_gamma = true}},
    {"resnetv2_50", BlockKind::bottleneck, {3, 4, 6, 3}, {.preactivation = true}},
    {"resnetv2_101", BlockKind::bottleneck, {3, 4, 23, 3}, {.preactivation = true}},
};

ModelSpec imagenet_model(const ImageNetRow& row) {
  const Variation& v = row.variation;
  return {.name = row.name,
          .input = {3, 224, 224},
          .classes = 1000,
          .stem = v.stem,
          .block = row.block,
          .blocks = {row.blocks.begin(), row.blocks.end()},
          .widths = {64, 128, 256, 512},
          .preactivation = v.preactivation,
          .shortcut = v.shortcut,
          .projection = v.projection,
          .groups = v.groups,
          .group_width = v.group_width,
          .squeeze = v.squeeze,
          .zero_gamma = v.zero_gamma};
}

template <std::size_t count>
std::vector<ModelSpec> imagenet_models(const ImageNetRow (&rows)[count]) {
  std::vector<ModelSpec> specs;
  for (const ImageNetRow& row : rows) specs.push_back(imagenet_model(row));
  return specs;
}

/// An ImageNet network for small images: a 3x3 stem and no max-pool.
ModelSpec small_image_model(const char* name, const ImageNetRow& row) {
  ModelSpec spec = imagenet_model(row);
  spec.name = name;
  spec.input = {3, 32, 32};
  spec.classes = 10;
  spec.stem = Stem::conv3x3;
  return spec;
}

/// Huang et al. 2017, table 1.
ModelSpec densenet(const char* name, int stem_width, int growth, std::vector<int> layers) {
  return {.name = name,
          .family = Family::densenet,
          .input = {3, 224, 224},
          .classes = 1000,
          .stem = Stem::conv7x7,
          .stem_width = stem_width,
          .block = BlockKind::bottleneck,
          .blocks = std::move(layers),
          .growth = growth,
          .compression = 0.5};
}

ModelSpec fully_connected_model(const char* name, bool residual) {
  return {.name = name,
          .family = Family::fully_connected,
          .shortcut = residual ? Shortcut::option_a : Shortcut::none,
          .width = 128,
          .depth = 10};
}

}  // namespace

std::vector<ModelGroup> zoo_tables() {
  constexpr auto basic = BlockKind::basic, bottleneck = BlockKind::bottleneck;
  return {
      {"ResNet for CIFAR (He et al. 2015)",
       "64,000 steps of 128 images, rate 0.1, a tenth of it after 32,000 and 48,000, weight decay 1e-4",
       cifar_models(true)},
      {"The same without shortcuts", "", cifar_models(false)},
      {"Pre-activation ResNet for CIFAR (He et al. 2016)",
       "that of He et al. 2015; 1001 layers also with batches of 64",
       {preactivation_model(110, basic), preactivation_model(164, bottleneck), preactivation_model(1001, bottleneck)}},
      {"Wide ResNet (Zagoruyko & Komodakis 2016)",
       "200 epochs, batch 128, Nesterov, rate 0.1, a fifth of it after 60, 120 and 160, weight decay 5e-4, dropout 0.3 "
       "or none",
       {wide_model(16, 4), wide_model(16, 8), wide_model(28, 10), wide_model(40, 2), wide_model(40, 4)}},
      {"ResNeXt for CIFAR (Xie et al. 2017)",
       "300 epochs, batch 128, rate 0.1, a tenth of it after 150 and 225, weight decay 5e-4",
       {resnext29(8), resnext29(16)}},
      {"DenseNet for CIFAR (Huang et al. 2017)",
       "300 epochs, batch 64, Nesterov, rate 0.1, a tenth of it after 150 and 225, weight decay 1e-4",
       {cifar_densenet("densenet40_12", basic, 12), cifar_densenet("densenet_bc100_12", bottleneck, 16)}},
      {"ImageNet's ResNets for small images",
       "",
       {small_image_model("cifar_resnet18", imagenet_rows[0]), small_image_model("cifar_resnet34", imagenet_rows[1]),
        small_image_model("cifar_resnet50", imagenet_rows[2])}},
      {"ResNet for ImageNet (He et al. 2015), as in torchvision",
       "batch 256, rate 0.1, a tenth of it at each plateau (torchvision: every 30 of 90 epochs), weight decay 1e-4",
       imagenet_models(imagenet_rows)},
      {"ResNeXt and Wide ResNet for ImageNet, as in torchvision", "that of ResNet for ImageNet",
       imagenet_models(wider_rows)},
      {"DenseNet for ImageNet (Huang et al. 2017), as in torchvision",
       "that of ResNet for ImageNet, 90 epochs",
       {densenet("densenet121", 64, 32, {6, 12, 24, 16}), densenet("densenet161", 96, 48, {6, 12, 36, 24}),
        densenet("densenet169", 64, 32, {6, 12, 32, 32}), densenet("densenet201", 64, 32, {6, 12, 48, 32})}},
      {"ResNet-D, squeeze-and-excitation and pre-activation for ImageNet, as in timm", "", imagenet_models(timm_rows)},
      {"Fully connected, of any width and depth",
       "",
       {fully_connected_model("mlp", false), fully_connected_model("residual_mlp", true)}},
  };
}

}  // namespace resnet
