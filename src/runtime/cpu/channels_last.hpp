// Images in bf16 that lie channels-last, for inference on AMX: what is lowered to the kernels of amx/channels_last.hpp,
// and the few other ops that a network needs in this layout. All else is converted.
#pragma once

#include "runtime/cpu/lowering.hpp"

namespace resnet::cpu {

/// Pixels that may be read past the last image.
inline constexpr int64_t channels_last_slack = 16;

/// Whether the kernel takes this convolution of images of shape `x` to shape `y`.
bool channels_last_applies(const Conv& conv, const Shape& x, const Shape& y);

void lower_channels_last(const Conv& op, const Node& node, Lowering& to);
void lower_channels_last(const MaxPool& op, const Node& node, Lowering& to);
void lower_channels_last(const GlobalAveragePool& op, const Node& node, Lowering& to);
void lower_channels_last(const Subsample& op, const Node& node, Lowering& to);

/// One image from `source` to `target`, of which one is channels-last.
template <class T>
void (*channels_last_conversion(Layout source, Layout target))(const T* x, T* y, int64_t channels, int64_t pixels);

}  // namespace resnet::cpu
