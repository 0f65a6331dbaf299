// Untrained networks as model files, for studies of trained ones: what is asked of them does not need accuracy.
#pragma once

#include "data/open.hpp"
#include "formats/model_file.hpp"

#include <string>

namespace resnet::test {

inline constexpr const char* small_data = "builtin:shapes?train=60&test=40";

inline State state_of(const ModelSpec& spec, uint64_t seed) {
  State state;
  initialise(state, forward_graph(spec, 1, Mode::inference), seed);
  return state;
}

/// `model` with weights of `seed`, for the images of small_data.
inline std::string save_small_model(const fs::path& file, const std::string& model, uint64_t seed) {
  const DataSplit data = open_data(small_data);
  const ImageSize image{data.preprocessing.channels, data.preprocessing.height, data.preprocessing.width};
  const std::vector<std::string>& classes = data.test->classes();
  const ModelSpec spec = find_model(model, {.classes = static_cast<int>(classes.size()), .input = image});
  save_model(file, {.spec = spec, .classes = classes, .preprocessing = data.preprocessing}, state_of(spec, seed), 1);
  return file.string();
}

}  // namespace resnet::test
