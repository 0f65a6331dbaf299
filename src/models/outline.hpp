// The stages and blocks of a network in the order an image passes them, for drawings and tables.
#pragma once

#include "models/model.hpp"

#include <string>
#include <vector>

namespace resnet {

/// How a block's input reaches its end.
enum class ShortcutPath : uint8_t { none, identity, zero_padded, projection };

struct BlockOutline {
  std::string name;    // "layer1.0", the prefix of its parameters
  std::string detail;  // "3x3, 16 - 3x3, 16"
  Shape output;        // [C,H,W], or [units]
  ShortcutPath shortcut = ShortcutPath::none;
};

struct StageOutline {
  std::string name;  // "stem", "layer1", ..., "head"
  std::vector<BlockOutline> blocks;
};

std::vector<StageOutline> outline(const ModelSpec& spec);

}  // namespace resnet
