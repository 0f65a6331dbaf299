// Weights as other programs leave them: tensors under names, in the file's order, and whatever else the file holds.
#pragma once

#include "base/files.hpp"
#include "base/tensor.hpp"
#include "formats/safetensors.hpp"

#include <map>
#include <string>
#include <vector>

namespace resnet {

struct NamedTensor {
  std::string name;
  Tensor tensor;  // f32 f64 i64 i32 u8; narrower types are widened
};

struct WeightsFile {
  std::string format;                   // "safetensors", "PyTorch (zip)", "PyTorch (older stream)"
  std::string chosen = {};              // path to the tensors inside, "state_dict"; empty: the top
  std::vector<NamedTensor> tensors;     // in the file's order; safetensors have none but that of their bytes
  std::vector<std::string> other = {};  // what was left out: "epoch = 90", "optimizer: 4 entries"
  std::vector<std::string> foreign =
      {};  // PyTorch: names of Python objects in it that are not known here, none was run
  std::map<std::string, std::string> metadata = {};  // safetensors
};

/// A .safetensors file, or a PyTorch file whatever its name: told apart by their first bytes.
/// Error (bad model), naming the file: neither, or see read_safetensors and read_pytorch.
WeightsFile read_weights(const fs::path& path, const ReadLimits& limits = {});

/// Tensors of a safetensors file, in the order of their names.
WeightsFile weights_from(TensorFile file);

/// Whether the file begins as PyTorch's do, or is called as they are.
bool is_pytorch_file(const fs::path& path);

/// "module." (DataParallel) and "_orig_mod." (torch.compile) taken off, wherever they stand at a name's beginning.
std::string without_wrappers(std::string name);

}  // namespace resnet
