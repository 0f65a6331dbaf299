#include "models/outline.hpp"

#include "base/error.hpp"
#include "models/blocks.hpp"

namespace resnet {
namespace {

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
  return text_of("1x1, ", width, " - 3x3, ", width, " - 1x1, ", bottleneck_expansion * width);
}

/// Output of a kernel of 2p + 1 with padding p and stride 2.
int64_t halved(int64_t size) { return (size + 1) / 2; }

std::vector<StageOutline> convolutional_outline(const ModelSpec& spec) {
  int64_t height = spec.input.height, width = spec.input.width, channels = spec.widths.front();
  StageOutline stem{"stem", {}};
  if (spec.family == Family::cifar) {
    stem.blocks.push_back({"conv1", text_of("3x3, ", channels), {channels, height, width}});
  } else {
    height = halved(height), width = halved(width);
    stem.blocks.push_back({"conv1", text_of("7x7, ", channels, ", /2"), {channels, height, width}});
    height = halved(height), width = halved(width);
    stem.blocks.push_back({"max-pool", "3x3, /2", {channels, height, width}});
  }
  std::vector<StageOutline> stages = {stem};
  for (std::size_t stage = 0; stage < spec.blocks.size(); ++stage) {
    StageOutline& outlined = stages.emplace_back(StageOutline{text_of("layer", stage + 1), {}});
    for (int block = 0; block < spec.blocks[stage]; ++block) {
      const bool halves = stage > 0 && block == 0;
      if (halves) height = halved(height), width = halved(width);
      const int64_t input_channels = std::exchange(channels, output_channels(spec.block, spec.widths[stage]));
      outlined.blocks.push_back({text_of(outlined.name, ".", block),
                                 detail_of(spec, spec.widths[stage]) + (halves ? ", /2" : ""),
                                 {channels, height, width},
                                 path_of(spec, halves || input_channels != channels)});
    }
  }
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

}  // namespace

std::vector<StageOutline> outline(const ModelSpec& spec) {
  check(spec);
  const bool layers = spec.family == Family::fully_connected;
  std::vector<StageOutline> stages = layers ? fully_connected_outline(spec) : convolutional_outline(spec);
  StageOutline head{"head", {}};
  if (!layers) head.blocks.push_back({"average-pool", "global", {stages.back().blocks.back().output[0]}});
  head.blocks.push_back({layers ? "output" : "fc", text_of("linear, ", spec.classes), {spec.classes}});
  stages.push_back(head);
  return stages;
}

}  // namespace resnet
