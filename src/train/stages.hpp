// The stages of a network as far as fine-tuning needs them: groups of parameters with a name, found from the
// parameters' own names, so that they exist for imported networks too.
#pragma once

#include "graph/graph.hpp"
#include "graph/passes.hpp"
#include "train/recipe.hpp"

#include <set>
#include <string>
#include <vector>

namespace resnet {

struct ParameterStage {
  std::string name;                     // "stem", "layer1", ..., "head"
  std::vector<std::string> parameters;  // in order of creation
};

/// "layer1" is everything called layer1.BLOCK.LAYER.PART, "stages.0" of timm and "features.denseblock1" likewise;
/// "head" is the last layer; what comes before the first stage is the "stem"; anything else goes by its layer's name.
std::vector<ParameterStage> stages_of(const Graph& graph);

/// The parameters of the recipe's frozen stages; "backbone" are all but the head. Error (usage): an unknown stage, with
/// the known ones; nothing would be left to train.
std::set<std::string> frozen_parameters(const Graph& graph, const Recipe& recipe);

/// The factor of each parameter whose stage has one of its own. Error (usage): an unknown stage.
std::map<std::string, float> rate_scales(const Graph& graph, const Recipe& recipe);

}  // namespace resnet
