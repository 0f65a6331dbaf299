// The zoo: one row for each published network. A user's options change a copy of its row.
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "models/excerpt.hpp"
#include "models/model.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace resnet {
namespace {

/// He et al. 2015, table 1.
struct ImageNetRow {
  const char* name;
  BlockKind block;
  std::array<int, 4> blocks;
  Shortcut shortcut;
};
constexpr ImageNetRow imagenet_rows[] = {
    {"resnet18", BlockKind::basic, {2, 2, 2, 2}, Shortcut::option_b},
    {"resnet34", BlockKind::basic, {3, 4, 6, 3}, Shortcut::option_b},
    {"resnet50", BlockKind::bottleneck, {3, 4, 6, 3}, Shortcut::option_b},
    {"resnet101", BlockKind::bottleneck, {3, 4, 23, 3}, Shortcut::option_b},
    {"resnet152", BlockKind::bottleneck, {3, 8, 36, 3}, Shortcut::option_b},
    {"plain18", BlockKind::basic, {2, 2, 2, 2}, Shortcut::none},
    {"plain34", BlockKind::basic, {3, 4, 6, 3}, Shortcut::none},
};

/// The depths of table 6; others of the form 6n + 2 are built by the same rule.
constexpr int cifar_depths[] = {20, 32, 44, 56, 110, 1202};

ModelSpec imagenet_model(const ImageNetRow& row) {
  return {.name = row.name,
          .family = Family::imagenet,
          .input = {3, 224, 224},
          .classes = 1000,
          .block = row.block,
          .blocks = {row.blocks.begin(), row.blocks.end()},
          .widths = {64, 128, 256, 512},
          .shortcut = row.shortcut};
}

/// He et al. 2015, 4.2: a first convolution, 2n of 16, 32 and 64 channels each, a linear layer: 6n + 2.
ModelSpec cifar_model(int depth, bool residual) {
  const int blocks = (depth - 2) / 6;
  return {.name = text_of(residual ? "resnet" : "plain", depth),
          .family = Family::cifar,
          .input = {3, 32, 32},
          .classes = 10,
          .blocks = {blocks, blocks, blocks},
          .widths = {16, 32, 64},
          .shortcut = residual ? Shortcut::option_a : Shortcut::none};
}

ModelSpec fully_connected_model(const char* name, bool residual) {
  return {.name = name,
          .family = Family::fully_connected,
          .input = {3, 32, 32},
          .classes = 10,
          .shortcut = residual ? Shortcut::option_a : Shortcut::none,
          .width = 128,
          .depth = 10};
}

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
  std::vector<std::string> names;
  for (const ModelSpec& model : models()) names.push_back(model.name);
  fail_usage("unknown model '", excerpt(name), "'; did you mean ", nearest_name(name, names),
             "? `resnet models` lists all; resnetN and plainN are known for N = 6n + 2 (8, 14, 20, 26, ...)");
}

/// Error (usage): the model has nothing that the option could change.
void expect_applicable(const ModelSpec& row, const ModelOptions& options) {
  const auto refuse = [&](bool given, const char* option, const char* needed) {
    if (given) fail_usage("model '", row.name, "' has no ", option, ": only ", needed, " have");
  };
  const bool layers = row.family == Family::fully_connected;
  const Shortcut shortcut = options.shortcut.value_or(row.shortcut);
  refuse(options.width && !layers, "width to choose", "fully connected models");
  refuse(options.depth && !layers, "depth to choose", "fully connected models");
  refuse(options.shortcut && *options.shortcut != row.shortcut && (layers || !row.residual()), "choice of shortcuts",
         "convolutional residual models");
  refuse(options.shortcut == Shortcut::none && row.residual(), "form without shortcuts", "the models named plain");
  refuse(options.stride_at && (layers || row.block != BlockKind::bottleneck), "choice of where the stride is",
         "models with bottlenecks");
  refuse(options.zero_channels && (layers || shortcut != Shortcut::option_a), "zero channels",
         "convolutional models with shortcut A");
}

template <class T>
void choose(T& field, const std::optional<T>& option) {
  if (option) field = *option;
}

}  // namespace

const std::vector<ModelSpec>& models() {
  static const std::vector<ModelSpec> rows = [] {
    std::vector<ModelSpec> all;
    for (const int depth : cifar_depths) all.push_back(cifar_model(depth, true));
    for (const int depth : cifar_depths) all.push_back(cifar_model(depth, false));
    for (const ImageNetRow& row : imagenet_rows) all.push_back(imagenet_model(row));
    all.push_back(fully_connected_model("mlp", false));
    all.push_back(fully_connected_model("residual_mlp", true));
    return all;
  }();
  return rows;
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
  try {
    check(spec);
  } catch (const Error& error) {
    fail_usage(error.what());
  }
  return spec;
}

}  // namespace resnet
