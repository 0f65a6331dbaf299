// The fuzz targets of what a run keeps as text: its configuration, and the JSON in its model files.
#pragma once

#include <cstddef>
#include <span>

namespace resnet::fuzz {

/// config.toml of a run, and the recipe alone.
void fuzz_config(std::span<const std::byte> input);
/// The JSON texts in a model file: spec, preprocessing, where a training stands.
void fuzz_metadata(std::span<const std::byte> input);

}  // namespace resnet::fuzz
