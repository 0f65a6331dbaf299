// What makes a spec valid, and what it says of itself.
#include "base/error.hpp"
#include "models/blocks.hpp"
#include "models/excerpt.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace resnet {
namespace {

// Far above any network in use, far below what makes sizes overflow. A file may claim anything within them: building
// the graph takes memory by the number of blocks only.
constexpr int max_name_length = 200, max_classes = 1'000'000, max_channels = 1 << 16, max_image_size = 1 << 14;
constexpr int max_stages = 8, max_blocks_per_stage = 1000, max_depth = 10'000;

bool within(double value, double low, double high) { return value >= low && value <= high; }

std::string problem_of_layers(const ModelSpec& spec) {
  if (!within(spec.width, 1, max_channels)) return text_of("width ", spec.width, " is not in 1 .. ", max_channels);
  if (!within(spec.depth, 1, max_depth)) return text_of("depth ", spec.depth, " is not in 1 .. ", max_depth);
  if (spec.shortcut == Shortcut::option_b || spec.shortcut == Shortcut::option_c)
    return "a fully connected network has no projection shortcuts: use none or A";
  return {};
}

/// Of what residual networks and DenseNets have in common.
std::string problem_of_stages(const ModelSpec& spec) {
  if (spec.blocks.empty() || spec.blocks.size() > max_stages)
    return text_of("expected 1 to ", max_stages, " stages, got ", spec.blocks.size());
  for (const int blocks : spec.blocks)
    if (!within(blocks, 1, max_blocks_per_stage))
      return text_of(blocks, " blocks in a stage are not in 1 .. ", max_blocks_per_stage);
  if (!within(spec.stem_width, 0, max_channels))
    return text_of("a stem of ", spec.stem_width, " channels is not in 0 .. ", max_channels);
  if (!within(spec.dropout, 0, 0.99)) return text_of("dropout ", spec.dropout, " is not in 0 .. 0.99");
  return {};
}

std::string problem_of_widths(const ModelSpec& spec) {
  if (spec.blocks.size() != spec.widths.size())
    return text_of("expected as many widths as stages, got ", spec.widths.size(), " and ", spec.blocks.size());
  for (const int width : spec.widths)
    if (!within(width, 1, max_channels)) return text_of("width ", width, " is not in 1 .. ", max_channels);
  const bool fewer =
      !std::ranges::is_sorted(spec.widths) || stem_channels(spec) > output_channels(spec.block, spec.widths.front());
  if (spec.shortcut == Shortcut::option_a && fewer) return "shortcut A can only add channels, but the widths fall";
  return {};
}

std::string problem_of_groups(const ModelSpec& spec) {
  if (!within(spec.groups, 1, max_channels) || !within(spec.group_width, 1, max_channels))
    return text_of("groups ", spec.groups, " of width ", spec.group_width, " are not in 1 .. ", max_channels);
  for (const int width : spec.widths) {
    const int64_t group = int64_t{width} * spec.group_width / 64;
    if (!within(static_cast<double>(group * spec.groups), 1, max_channels))
      return text_of(spec.groups, " groups of ", group, " channels are not in 1 .. ", max_channels, " channels");
  }
  if (spec.block == BlockKind::basic && (spec.groups != 1 || spec.group_width != 64))
    return "only bottleneck blocks have groups";
  return {};
}

/// Of what is done to shortcuts and activations.
std::string problem_of_blocks(const ModelSpec& spec) {
  if (!within(spec.shortcut_scale, -100, 100) || !within(spec.branch_scale, -100, 100))
    return text_of("factors ", spec.shortcut_scale, " and ", spec.branch_scale, " of a block are not in -100 .. 100");
  if (!within(spec.gate_bias, -100, 100)) return text_of("gate bias ", spec.gate_bias, " is not in -100 .. 100");
  if (!within(spec.shortcut_dropout, 0, 0.99))
    return text_of("shortcut dropout ", spec.shortcut_dropout, " is not in 0 .. 0.99");
  const bool changed = spec.shortcut_scale != 1 || spec.branch_scale != 1 || spec.gate != Gate::none ||
                       spec.shortcut_dropout > 0 || spec.activation != Activation::original;
  if (changed && !spec.residual()) return "a plain network has no shortcuts to change";
  if (spec.preactivation && spec.activation != Activation::original)
    return "pre-activation networks have no other order of activation";
  if (spec.zero_gamma && spec.activation == Activation::norm_after_addition)
    return "with batch norm after the addition no branch ends in a gamma that could be zero";
  return {};
}

std::string problem_of_resnet(const ModelSpec& spec) {
  if (std::string problem = problem_of_blocks(spec); !problem.empty()) return problem;
  if (std::string problem = problem_of_widths(spec); !problem.empty()) return problem;
  if (std::string problem = problem_of_groups(spec); !problem.empty()) return problem;
  if (!within(spec.squeeze, 0, max_channels))
    return text_of("squeeze ", spec.squeeze, " is not in 0 .. ", max_channels);
  if (!within(spec.stochastic_depth, 0, 0.99))
    return text_of("stochastic depth ", spec.stochastic_depth, " is not in 0 .. 0.99");
  if (spec.stem == Stem::deep && spec.preactivation) return "pre-activation networks have no deep stem";
  if (spec.stem == Stem::deep && stem_channels(spec) < 2) return "a deep stem needs 2 channels or more";
  if (spec.dropout > 0 && !(spec.preactivation && spec.block == BlockKind::basic))
    return "only pre-activation basic blocks and dense layers have dropout";
  if (spec.squeeze > 0 && !spec.residual()) return "a plain network has no branches to squeeze";
  return {};
}

std::string problem_of_densenet(const ModelSpec& spec) {
  if (!within(spec.growth, 1, max_channels)) return text_of("growth ", spec.growth, " is not in 1 .. ", max_channels);
  if (spec.stem_width < 1) return "a DenseNet needs the width of its stem";
  if (spec.stem == Stem::deep) return "a DenseNet has no deep stem";
  if (!within(spec.compression, 0.01, 1)) return text_of("compression ", spec.compression, " is not in 0.01 .. 1");
  const int64_t layers = std::accumulate(spec.blocks.begin(), spec.blocks.end(), int64_t{0});
  if (spec.stem_width + layers * spec.growth > max_channels)
    return text_of(layers, " layers of growth ", spec.growth, " make more than ", max_channels, " channels");
  return {};
}

/// Why the spec cannot be built; empty if it can.
std::string problem_of(const ModelSpec& spec) {
  const ImageSize& input = spec.input;
  if (spec.name.size() > max_name_length) return text_of("the name is longer than ", max_name_length, " bytes");
  if (!within(spec.classes, 1, max_classes)) return text_of(spec.classes, " classes are not in 1 .. ", max_classes);
  if (!within(input.channels, 1, max_channels) || !within(input.height, 1, max_image_size) ||
      !within(input.width, 1, max_image_size))
    return text_of("an input of ", input.channels, "x", input.height, "x", input.width, " is not in 1x1x1 .. ",
                   max_channels, "x", max_image_size, "x", max_image_size);
  if (spec.family == Family::fully_connected) return problem_of_layers(spec);
  if (spec.family == Family::written_out) return problem_of(spec.written);
  if (std::string problem = problem_of_stages(spec); !problem.empty()) return problem;
  return spec.family == Family::densenet ? problem_of_densenet(spec) : problem_of_resnet(spec);
}

/// "ReLU before addition", "exclusive gate with bias -6", ...
void add_block_details(std::vector<std::string>& details, const ModelSpec& spec) {
  constexpr const char* orders[] = {"", "BN after addition", "ReLU before addition", "ReLU-only pre-activation"};
  if (spec.activation != Activation::original) details.emplace_back(orders[static_cast<std::size_t>(spec.activation)]);
  if (spec.gate != Gate::none)
    details.push_back(
        text_of(spec.gate == Gate::exclusive ? "exclusive" : "shortcut-only", " gate with bias ", spec.gate_bias));
  if (spec.shortcut_scale != 1) details.push_back(text_of("shortcut times ", spec.shortcut_scale));
  if (spec.branch_scale != 1) details.push_back(text_of("branch times ", spec.branch_scale));
  if (spec.shortcut_dropout > 0) details.push_back(text_of("dropout ", spec.shortcut_dropout, " on the shortcut"));
}

/// "A", "B after average pooling", "stride on the first 1x1", ...
std::vector<std::string> details_of_resnet(const ModelSpec& spec) {
  std::vector<std::string> details;
  if (spec.groups > 1) details.push_back(text_of(spec.groups, " groups of width ", spec.group_width));
  if (spec.groups == 1 && spec.group_width != 64)
    details.push_back(fmt::format("inside {:g} times as wide", spec.group_width / 64.0));
  if (spec.stem == Stem::deep) details.push_back("deep stem");
  if (spec.residual())
    details.push_back(text_of("shortcut ", name_of(spec.shortcut),
                              spec.projection == Projection::pooled ? " after average pooling" : ""));
  if (spec.block == BlockKind::bottleneck && spec.stride_at == StrideAt::conv1x1)
    details.push_back("stride on the first 1x1");
  if (spec.squeeze > 0) details.push_back(text_of("squeeze-and-excitation 1/", spec.squeeze));
  if (spec.stochastic_depth > 0) details.push_back(text_of("stochastic depth ", spec.stochastic_depth));
  if (spec.zero_gamma) details.push_back("zero gamma");
  add_block_details(details, spec);
  return details;
}

std::vector<std::string> details_of_densenet(const ModelSpec& spec) {
  return {text_of("stem of ", spec.stem_width), text_of("compression ", spec.compression)};
}

std::string layers_in_words(const ModelSpec& spec) {
  return text_of(spec.residual() ? "residual" : "plain", ", fully connected, ", spec.depth,
                 spec.residual() ? " blocks of two layers" : " layers", " of width ", spec.width);
}

std::string stages_in_words(const ModelSpec& spec) {
  const std::string blocks = fmt::format("{}", fmt::join(spec.blocks, "-"));
  if (spec.family == Family::densenet)
    return fmt::format("dense, {} layers {} of growth {}", name_of(spec.block), blocks, spec.growth);
  return fmt::format("{}{}, {} blocks {} of {} channels", spec.preactivation ? "pre-activation " : "",
                     spec.residual() ? "residual" : "plain", name_of(spec.block), blocks, fmt::join(spec.widths, "-"));
}

}  // namespace

void check(const ModelSpec& spec) {
  if (const std::string problem = problem_of(spec); !problem.empty())
    fail_model("model '", excerpt(spec.name), "': ", problem);
}

std::string describe_structure(const ModelSpec& spec) {
  if (spec.family == Family::fully_connected) return layers_in_words(spec);
  if (spec.family == Family::written_out) return text_of("written out, ", spec.written.layers.size(), " layers");
  std::vector<std::string> details =
      spec.family == Family::densenet ? details_of_densenet(spec) : details_of_resnet(spec);
  if (spec.dropout > 0) details.push_back(text_of("dropout ", spec.dropout));
  details.insert(details.begin(), stages_in_words(spec));
  return fmt::format("{}", fmt::join(details, ", "));
}

std::string describe(const ModelSpec& spec) {
  const ImageSize& input = spec.input;
  return text_of(describe_structure(spec), ", input ", input.channels, "x", input.height, "x", input.width, ", ",
                 spec.classes, " classes");
}

int weight_layers(const ModelSpec& spec) {
  if (spec.family == Family::fully_connected) return spec.residual() ? 2 * spec.depth + 2 : spec.depth;
  if (spec.family == Family::written_out)
    return static_cast<int>(std::ranges::count_if(spec.written.layers, [](const WrittenOut::Layer& layer) {
      return std::holds_alternative<Conv>(layer.op) || std::holds_alternative<Linear>(layer.op);
    }));
  const int blocks = std::accumulate(spec.blocks.begin(), spec.blocks.end(), 0);
  const bool bottleneck = spec.block == BlockKind::bottleneck;
  if (spec.family == Family::densenet)  // a convolution in each transition
    return blocks * (bottleneck ? 2 : 1) + static_cast<int>(spec.blocks.size()) - 1 + 2;
  return blocks * (bottleneck ? 3 : 2) + 2;
}

}  // namespace resnet
