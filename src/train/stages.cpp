#include "train/stages.hpp"

#include "base/error.hpp"
#include "formats/weight_mapping.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

namespace resnet {
namespace {

std::vector<std::string> components(const std::string& name) {
  std::vector<std::string> parts;
  std::istringstream stream(name);
  for (std::string part; std::getline(stream, part, '.');) parts.push_back(part);
  return parts;
}

/// "layer1" for "layer1.0.conv1.weight", "stages.0" for "stages.0.blocks.1.conv1.weight", "features.denseblock1" for
/// its layers; empty for a layer outside of the stages, such as "conv1.weight".
std::string stage_name(const std::string& parameter) {
  const std::vector<std::string> parts = components(parameter);
  if (parts.size() < 4) return {};
  const bool container = parts[0] == "features" || parts[0] == "stages";
  return container ? parts[0] + "." + parts[1] : parts[0];
}

std::string layer_name(const std::string& parameter) { return parameter.substr(0, parameter.rfind('.')); }

std::vector<std::string> named(const std::vector<ParameterStage>& stages, const std::string& name, const char* option) {
  std::vector<std::string> found, known;
  for (const ParameterStage& stage : stages) {
    known.push_back(stage.name);
    if (stage.name == name || (name == "backbone" && stage.name != "head"))
      found.insert(found.end(), stage.parameters.begin(), stage.parameters.end());
  }
  if (found.empty())
    fail_usage(option, ": no stage '", name, "': there are ", fmt::format("{}", fmt::join(known, ", ")),
               ", and backbone for all but the head");
  return found;
}

}  // namespace

std::vector<ParameterStage> stages_of(const Graph& graph) {
  const std::vector<std::string> head = head_parameters(graph);
  std::vector<ParameterStage> stages;
  bool in_stem = true;
  for (const Value value : graph.parameters()) {
    const std::string& name = graph[value].name;
    std::string stage = stage_name(name);
    if (!stage.empty()) in_stem = false;
    if (std::ranges::count(head, name))
      stage = "head";
    else if (stage.empty())
      stage = in_stem ? "stem" : layer_name(name);
    auto found = std::ranges::find(stages, stage, &ParameterStage::name);
    if (found == stages.end()) found = stages.insert(stages.end(), {stage, {}});
    found->parameters.push_back(name);
  }
  return stages;
}

std::set<std::string> frozen_parameters(const Graph& graph, const Recipe& recipe) {
  if (recipe.freeze.empty()) return {};
  const std::vector<ParameterStage> stages = stages_of(graph);
  std::set<std::string> frozen;
  for (const std::string& name : recipe.freeze)
    for (const std::string& parameter : named(stages, name, "--freeze")) frozen.insert(parameter);
  if (frozen.size() == graph.parameters().size()) fail_usage("--freeze: every stage is frozen; leave one to train");
  return frozen;
}

std::map<std::string, float> rate_scales(const Graph& graph, const Recipe& recipe) {
  if (recipe.stage_lr.empty()) return {};
  const std::vector<ParameterStage> stages = stages_of(graph);
  std::map<std::string, float> scales;
  for (const StageRate& rate : recipe.stage_lr)
    for (const std::string& parameter : named(stages, rate.stage, "--stage-lr"))
      scales[parameter] = static_cast<float>(rate.factor);
  return scales;
}

}  // namespace resnet
