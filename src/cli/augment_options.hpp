// --augment and the options for single augmentations, which `train` and `check --preview` share.
#pragma once

#include "train/augmentation_changes.hpp"

namespace CLI {
class App;
}

namespace resnet::cli {

void add_augment_options(CLI::App& app, AugmentationChanges& changes);

}  // namespace resnet::cli
