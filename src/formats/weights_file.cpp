#include "formats/weights_file.hpp"

#include "base/error.hpp"
#include "formats/pytorch.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace resnet {

bool is_pytorch_file(const fs::path& path) {
  if (!path_exists(path) || is_folder(path)) return false;
  std::ifstream stream(path, std::ios::binary);
  const std::string extension = path.extension().string();
  return looks_like_pytorch(stream) || extension == ".pth" || extension == ".pt" || extension == ".th";
}

WeightsFile weights_from(TensorFile file) {
  WeightsFile weights{.format = "safetensors", .tensors = {}, .metadata = std::move(file.metadata)};
  for (auto& [name, tensor] : file.tensors) weights.tensors.push_back({name, std::move(tensor)});
  return weights;
}

WeightsFile read_weights(const fs::path& path, const ReadLimits& limits) {
  if (!is_pytorch_file(path)) return weights_from(read_safetensors(path, limits));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_model(path.string(), ": cannot be opened for reading: ", std::strerror(errno));
  return read_pytorch(stream, path.string(), limits);
}

std::string without_wrappers(std::string name) {
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view prefix : {"module.", "_orig_mod."})
      if (name.starts_with(prefix)) {
        name.erase(0, prefix.size());
        found = true;
      }
  }
  return name;
}

}  // namespace resnet
