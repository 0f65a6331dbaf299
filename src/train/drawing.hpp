// A network's blocks as the drawing of report/architecture shows them.
#pragma once

#include "models/model.hpp"
#include "report/architecture.hpp"

namespace resnet {

ArchitectureDrawing drawing_of(const ModelSpec& spec);

}  // namespace resnet
