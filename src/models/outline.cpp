#include "models/outline.hpp"

#include "base/error.hpp"
#include "graph/op_functions.hpp"
#include "models/blocks.hpp"

#include <utility>

namespace resnet {
namespace {

/// The image on its way through a convolutional network.
struct Position {
  int64_t channels = 0, height = 0, width = 0;
  Shape shape() const { return {channels, height, width}; }
  /// After a kernel of 2p + 1 with padding p and stride 2.
  void halve() { height = (height + 1) / 2, width = (width + 1) / 2; }
};

ShortcutPath path_of(const ModelSpec& spec, bool shape_changes) {
  switch (spec.shortcut) {
    case Shortcut::none: return ShortcutPath::none;
    case Shortcut::option_a: return shape_changes ? ShortcutPath::zero_padded : ShortcutPath::identity;
    case Shortcut::option_b: return shape_changes ? ShortcutPath::projection : ShortcutPath::identity;
    case Shortcut::option_c: return ShortcutPath::projection;
  }
  return ShortcutPath::none;
}

std::string detail_of(const ModelSpec& spec, int width) {
  if (spec.block == BlockKind::basic) return text_of("3x3, ", width, " - 3x3, ", width);
  const int inner = inner_channels(spec, width);
  const std::string groups = spec.groups > 1 ? text_of(" in ", spec.groups, " groups") : "";
  return text_of("1x1, ", inner, " - 3x3, ", inner, groups, " - 1x1, ", bottleneck_expansion * width);
}

StageOutline stem_outline(const ModelSpec& spec, Position& at) {
  at.channels = stem_channels(spec);
  StageOutline stem{"stem", {}};
  const std::string name = spec.family == Family::densenet ? "features.conv0"
                           : spec.preactivation            ? "stem.conv"
                                                           : "conv1";
  if (spec.stem == Stem::conv3x3) {
    stem.blocks.push_back({name, text_of("3x3, ", at.channels), at.shape()});
    return stem;
  }
  at.halve();
  const int64_t half = at.channels / 2;
  const std::string detail = spec.stem == Stem::deep
                                 ? text_of("3x3, ", half, ", /2 - 3x3, ", half, " - 3x3, ", at.channels)
                                 : text_of("7x7, ", at.channels, ", /2");
  stem.blocks.push_back({name, detail, at.shape()});
  at.halve();
  stem.blocks.push_back({"max-pool", "3x3, /2", at.shape()});
  return stem;
}

StageOutline residual_stage(const ModelSpec& spec, std::size_t stage, Position& at) {
  StageOutline outlined{stage_path(spec, stage), {}};
  for (int block = 0; block < spec.blocks[stage]; ++block) {
    const bool halves = stage > 0 && block == 0;
    if (halves) at.halve();
    const int64_t before = std::exchange(at.channels, output_channels(spec.block, spec.widths[stage]));
    outlined.blocks.push_back({block_path(spec, stage, block),
                               detail_of(spec, spec.widths[stage]) + (halves ? ", /2" : ""), at.shape(),
                               path_of(spec, halves || before != at.channels)});
  }
  return outlined;
}

/// The layers of a dense block, and the transition after it.
StageOutline dense_stage(const ModelSpec& spec, std::size_t stage, Position& at) {
  StageOutline outlined{stage_path(spec, stage), {}};
  const std::string first =
      spec.block == BlockKind::bottleneck ? text_of("1x1, ", dense_expansion * spec.growth, " - ") : "";
  for (int layer = 0; layer < spec.blocks[stage]; ++layer) {
    at.channels += spec.growth;
    outlined.blocks.push_back(
        {block_path(spec, stage, layer), text_of(first, "3x3, ", spec.growth, ", concatenated"), at.shape()});
  }
  if (stage + 1 == spec.blocks.size()) return outlined;
  at = {compressed(spec, at.channels), at.height / 2, at.width / 2};
  outlined.blocks.push_back(
      {text_of("features.transition", stage + 1), text_of("1x1, ", at.channels, " - 2x2, /2"), at.shape()});
  return outlined;
}

std::vector<StageOutline> convolutional_outline(const ModelSpec& spec) {
  Position at{0, spec.input.height, spec.input.width};
  std::vector<StageOutline> stages = {stem_outline(spec, at)};
  for (std::size_t stage = 0; stage < spec.blocks.size(); ++stage)
    stages.push_back((spec.family == Family::densenet ? dense_stage : residual_stage)(spec, stage, at));
  return stages;
}

std::vector<StageOutline> fully_connected_outline(const ModelSpec& spec) {
  const std::string layer = text_of("linear, ", spec.width);
  std::vector<StageOutline> stages;
  if (spec.residual() || spec.depth > 1) stages.push_back({"stem", {{"input", layer, {spec.width}}}});
  StageOutline hidden{spec.residual() ? "blocks" : "hidden", {}};
  for (int index = 0; index < (spec.residual() ? spec.depth : spec.depth - 2); ++index)
    hidden.blocks.push_back({text_of(hidden.name, ".", index),
                             spec.residual() ? layer + " - " + layer : layer,
                             {spec.width},
                             path_of(spec, false)});
  if (!hidden.blocks.empty()) stages.push_back(hidden);
  return stages;
}

/// One block for each layer with weights; where a list of layers has its stages and shortcuts nobody says.
std::vector<StageOutline> written_outline(const ModelSpec& spec) {
  const Graph graph = forward_graph(spec, 1, Mode::inference);
  StageOutline layers{"layers", {}};
  for (const Node& node : graph.nodes()) {
    if (!std::holds_alternative<Conv>(node.op) && !std::holds_alternative<Linear>(node.op)) continue;
    const Shape& y = graph[node.outputs[0]].shape;
    Shape one;
    for (int axis = 1; axis < y.rank(); ++axis) one.append(y[axis]);
    layers.blocks.push_back({node.name, text_of(name_of(node.op), " ", describe(node.op), ", ", y.c()), one});
  }
  return {layers};
}

std::string head_name(const ModelSpec& spec) {
  if (spec.family == Family::fully_connected) return "output";
  if (spec.family == Family::densenet) return "classifier";
  return spec.preactivation ? "head.fc" : "fc";
}

}  // namespace

std::vector<StageOutline> outline(const ModelSpec& spec) {
  check(spec);
  if (spec.family == Family::written_out) return written_outline(spec);
  const bool layers = spec.family == Family::fully_connected;
  std::vector<StageOutline> stages = layers ? fully_connected_outline(spec) : convolutional_outline(spec);
  StageOutline head{"head", {}};
  if (!layers) head.blocks.push_back({"average-pool", "global", {stages.back().blocks.back().output[0]}});
  head.blocks.push_back({head_name(spec), text_of("linear, ", spec.classes), {spec.classes}});
  stages.push_back(head);
  return stages;
}

}  // namespace resnet
