// Finding a model of the zoo by name. A user's options change a copy of its row.
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "models/excerpt.hpp"
#include "models/zoo_rows.hpp"

#include <algorithm>
#include <charconv>

namespace resnet {
namespace {

/// resnetN and plainN with N = 6n + 2, unless ImageNet's networks have that depth: a plain50 beside the ImageNet
/// resnet50 would mislead.
std::optional<ModelSpec> cifar_model_of_any_depth(std::string_view name) {
  const bool residual = name.starts_with("resnet");
  if (!residual && !name.starts_with("plain")) return std::nullopt;
  const std::string_view digits = name.substr(residual ? 6 : 5);
  int depth = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), depth);
  constexpr int imagenet_depths[] = {18, 34, 50, 101, 152};
  if (error != std::errc() || end != digits.data() + digits.size() || depth < 8 || depth % 6 != 2 ||
      std::ranges::count(imagenet_depths, depth))
    return std::nullopt;
  ModelSpec spec = cifar_model(depth, residual);
  return spec.name == name ? std::optional(spec) : std::nullopt;
}

ModelSpec named(std::string_view name) {
  const auto row = std::ranges::find(models(), name, &ModelSpec::name);
  if (row != models().end()) return *row;
  if (const std::optional<ModelSpec> model = cifar_model_of_any_depth(name)) return *model;
  if (name.find('/') != std::string_view::npos || name.ends_with(".safetensors") || name.ends_with(".onnx"))
    fail_usage(excerpt(name), ": no such file or run; a name that `resnet models` lists can be given too");
  std::vector<std::string> names;
  for (const ModelSpec& model : models()) names.push_back(model.name);
  const std::string hint = did_you_mean(name, names);
  fail_usage("unknown model '", excerpt(name), "'", hint.empty() ? ";" : hint,
             " `resnet models` lists all; resnetN and plainN are known for N = 6n + 2 (8, 14, 20, 26, ...)");
}

/// Error (usage): the model has nothing that the option could change.
void expect_applicable(const ModelSpec& row, const ModelOptions& options) {
  const auto refuse = [&](bool given, const char* option, const char* needed) {
    if (given) fail_usage("model '", row.name, "' has no ", option, ": only ", needed, " have");
  };
  const bool layers = row.family == Family::fully_connected, dense = row.family == Family::densenet;
  const bool branches = row.family == Family::resnet && row.residual();
  const Shortcut shortcut = options.shortcut.value_or(row.shortcut);
  refuse(options.width && !layers, "width to choose", "fully connected models");
  refuse(options.depth && !layers, "depth to choose", "fully connected models");
  refuse(options.shortcut && (dense || (*options.shortcut != row.shortcut && !branches)), "choice of shortcuts",
         "convolutional residual models");
  refuse(options.shortcut == Shortcut::none && row.residual(), "form without shortcuts", "the models named plain");
  refuse(options.stride_at && (layers || dense || row.block != BlockKind::bottleneck), "choice of where the stride is",
         "residual models with bottlenecks");
  refuse(options.zero_channels && (layers || dense || shortcut != Shortcut::option_a), "zero channels",
         "convolutional models with shortcut A");
  refuse(options.dropout && !dense && !(row.preactivation && row.block == BlockKind::basic), "dropout",
         "Wide ResNets, pre-activation models with basic blocks and DenseNets");
  refuse(options.stochastic_depth && !branches, "stochastic depth", "convolutional residual models");
  refuse(options.zero_gamma && !branches, "branches whose gamma could be zero", "convolutional residual models");
}

template <class T>
void choose(T& field, const std::optional<T>& option) {
  if (option) field = *option;
}

}  // namespace

bool ModelOptions::chooses_structure() const {
  return shortcut || stride_at || zero_channels || width || depth || dropout || stochastic_depth || zero_gamma;
}

const std::vector<ModelGroup>& model_groups() {
  static const std::vector<ModelGroup> groups = zoo_tables();
  return groups;
}

const std::vector<ModelSpec>& models() {
  static const std::vector<ModelSpec> all = [] {
    std::vector<ModelSpec> specs;
    for (const ModelGroup& group : model_groups()) specs.insert(specs.end(), group.models.begin(), group.models.end());
    return specs;
  }();
  return all;
}

ModelSpec find_model(std::string_view name, const ModelOptions& options) {
  ModelSpec spec = named(name);
  expect_applicable(spec, options);
  choose(spec.classes, options.classes);
  choose(spec.input, options.input);
  choose(spec.shortcut, options.shortcut);
  choose(spec.stride_at, options.stride_at);
  choose(spec.zero_channels, options.zero_channels);
  choose(spec.width, options.width);
  choose(spec.depth, options.depth);
  choose(spec.dropout, options.dropout);
  choose(spec.stochastic_depth, options.stochastic_depth);
  choose(spec.zero_gamma, options.zero_gamma);
  try {
    check(spec);
  } catch (const Error& error) {
    fail_usage(error.what());
  }
  return spec;
}

}  // namespace resnet
