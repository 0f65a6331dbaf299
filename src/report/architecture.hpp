// Draws a network as the paper does: one box a block, from the input at the top to the classes at the bottom, shortcuts
// as arcs beside them, repeated blocks as one box with "x18". Knows nothing of graphs; the caller lists the blocks.
#pragma once

#include <string>
#include <vector>

namespace resnet {

/// How a block's input reaches its end: not at all (plain), as it is, or through a 1x1 convolution or padding (dashed).
enum class DrawnShortcut { none, identity, projection };

struct DrawnBlock {
  std::string name = {};          // "layer1.0"
  std::string detail = {};        // "3x3, 16 - 3x3, 16"
  std::string output_shape = {};  // "16 x 32 x 32"
  DrawnShortcut shortcut = DrawnShortcut::none;
  int repeat = 1;  // "x18" is written beside the box
};

/// Blocks that share a colour: "stem", "layer1", ..., "head".
struct DrawnStage {
  std::string name = {};
  std::vector<DrawnBlock> blocks = {};
};

struct ArchitectureDrawing {
  std::string title = {};
  std::vector<DrawnStage> stages = {};
};

/// Runs of blocks that differ only in their names become one with `repeat` and the name "first .. last".
std::vector<DrawnBlock> collapse(const std::vector<DrawnBlock>& blocks);

/// As one <svg> element; every stage is collapsed first.
std::string draw(const ArchitectureDrawing& drawing);

}  // namespace resnet
