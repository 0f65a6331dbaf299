// The fuzz targets of the readers of weights and networks.
#pragma once

#include <cstddef>
#include <span>

namespace resnet::fuzz {

/// A whole file.
void fuzz_safetensors(std::span<const std::byte> input);
/// A whole PyTorch file, as a zip archive, as the older stream, or as a pickle alone.
void fuzz_pytorch(std::span<const std::byte> input);
/// A whole file, imported as a network.
void fuzz_onnx(std::span<const std::byte> input);

}  // namespace resnet::fuzz
