#include "train/drawing.hpp"

#include "models/outline.hpp"

#include <string>
#include <utility>

namespace resnet {
namespace {

DrawnShortcut drawn(ShortcutPath path) {
  switch (path) {
    case ShortcutPath::none: return DrawnShortcut::none;
    case ShortcutPath::identity: return DrawnShortcut::identity;
    case ShortcutPath::zero_padded:
    case ShortcutPath::projection: break;
  }
  return DrawnShortcut::projection;
}

std::string extent_text(const Shape& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

}  // namespace

ArchitectureDrawing drawing_of(const ModelSpec& spec) {
  ArchitectureDrawing drawing{.title = spec.name, .stages = {}};
  for (const StageOutline& stage : outline(spec)) {
    DrawnStage boxes{.name = stage.name, .blocks = {}};
    for (const BlockOutline& block : stage.blocks)
      boxes.blocks.push_back({block.name, block.detail, extent_text(block.output), drawn(block.shortcut)});
    drawing.stages.push_back(std::move(boxes));
  }
  return drawing;
}

}  // namespace resnet
