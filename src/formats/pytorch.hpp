// What torch.save wrote: the zip format of PyTorch 1.6 and later, and the older stream of pickles with the storages at
// the end. Nothing is executed: the pickle is read as data (formats/pickle.hpp), and only the calls by which PyTorch
// builds tensors and parameters are understood. Everything else is foreign: listed, skipped where it is a bystander (a
// saved argparse.Namespace), refused where a tensor depends on it.
#pragma once

#include "formats/pickle.hpp"
#include "formats/weights_file.hpp"

#include <iosfwd>

namespace resnet {

/// The tensors of the state dict in the file: of the entry "state_dict_ema", "model_ema", "state_dict",
/// "model_state_dict", "model", "net" or "params" if there is one, in this order, else of the top; nested containers'
/// names are joined with ".". Error (bad model), `name` first: damaged, above a limit, big-endian, without tensors, a
/// tensor of an unknown kind, outside its storage, or made by a foreign object; a TorchScript archive.
WeightsFile read_pytorch(std::istream& stream, const std::string& name, const ReadLimits& limits = {});

/// Whether the first bytes are those of a zip archive or of PyTorch's older stream.
bool looks_like_pytorch(std::istream& stream);

// --- between the two halves of the reader, pytorch.cpp and pytorch_tensors.cpp ---

/// One tensor as the pickle describes it: a window over a storage. In elements.
struct TensorRecipe {
  std::string name;
  std::string type;  // "Float", from torch.FloatStorage
  Shape shape = {};
  std::vector<int64_t> strides = {};
  int64_t offset = 0;
  std::string storage;  // its key
  int64_t storage_elements = 0;
};

struct StateDict {
  std::string chosen = {};
  std::vector<TensorRecipe> tensors = {};
  std::vector<std::string> other = {}, foreign = {};
};

/// Finds the state dict and checks every tensor in it against its storage.
StateDict find_state_dict(const Pickle& pickle, const ReadLimits& limits);

/// Bytes of an element of that storage type. Error (bad model): it is not supported; names the tensor.
int64_t element_bytes(const std::string& type, const std::string& tensor);

/// The tensor, copied out of its storage's bytes.
Tensor tensor_from(const TensorRecipe& recipe, std::string_view storage);

}  // namespace resnet
