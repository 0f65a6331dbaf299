// The ten outlines of builtin:shapes as point sets in the unit circle. Each keeps its class under rotation, mirroring
// and scaling, so that only the form tells the classes apart.
#pragma once

#include <array>
#include <string_view>

namespace resnet {

struct Outline {
  std::string_view name;
  /// Whether the point (x, y) lies inside; true only within the unit circle.
  bool (*contains)(double x, double y);
};

/// In the order of the labels.
extern const std::array<Outline, 10> outlines;

}  // namespace resnet
