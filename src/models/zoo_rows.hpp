// Between the zoo's tables and the functions that find models in them.
#pragma once

#include "models/model.hpp"

#include <vector>

namespace resnet {

std::vector<ModelGroup> zoo_tables();

/// resnetN or plainN of N = 6n + 2 layers for CIFAR.
ModelSpec cifar_model(int depth, bool residual);

}  // namespace resnet
