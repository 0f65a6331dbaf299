// The words for the enums of a spec, as they stand in model files and on the command line.
#pragma once

#include "models/model.hpp"

#include <array>
#include <string_view>

namespace resnet {

inline constexpr std::array<std::string_view, 4> family_names = {"resnet", "densenet", "fully_connected",
                                                                 "written_out"};
inline constexpr std::array<std::string_view, 3> stem_names = {"conv3x3", "conv7x7", "deep"};
inline constexpr std::array<std::string_view, 2> block_names = {"basic", "bottleneck"};
inline constexpr std::array<std::string_view, 4> shortcut_names = {"none", "A", "B", "C"};
inline constexpr std::array<std::string_view, 2> projection_names = {"strided", "pooled"};
inline constexpr std::array<std::string_view, 2> stride_names = {"conv3x3", "conv1x1"};
inline constexpr std::array<std::string_view, 2> zero_names = {"around", "after"};
inline constexpr std::array<std::string_view, 4> activation_names = {"original", "norm_after_addition",
                                                                     "relu_before_addition", "relu_preactivation"};
inline constexpr std::array<std::string_view, 3> gate_names = {"none", "exclusive", "shortcut_only"};

constexpr const auto& names_of(Family) { return family_names; }
constexpr const auto& names_of(Stem) { return stem_names; }
constexpr const auto& names_of(BlockKind) { return block_names; }
constexpr const auto& names_of(Shortcut) { return shortcut_names; }
constexpr const auto& names_of(Projection) { return projection_names; }
constexpr const auto& names_of(StrideAt) { return stride_names; }
constexpr const auto& names_of(ZeroChannels) { return zero_names; }
constexpr const auto& names_of(Activation) { return activation_names; }
constexpr const auto& names_of(Gate) { return gate_names; }

}  // namespace resnet
