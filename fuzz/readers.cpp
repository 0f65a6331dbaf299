#include "readers.hpp"

#include "base/error.hpp"
#include "base/preprocessing.hpp"
#include "data/cifar.hpp"
#include "data/open.hpp"
#include "formats/onnx_import.hpp"
#include "formats/pytorch.hpp"
#include "formats/safetensors.hpp"
#include "models/model.hpp"
#include "train/checkpoint.hpp"
#include "train/config.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace resnet::fuzz {
namespace {

using Input = std::span<const std::byte>;

std::string text_of_input(Input input) { return {reinterpret_cast<const char*>(input.data()), input.size()}; }

/// Runs `action`; what the project refuses is fine.
template <class Action>
void allow_errors(Action action) {
  try {
    action();
  } catch (const Error&) {
  }
}

/// A folder that lives as long as the program, for readers that take paths.
const fs::path& scratch_folder() {
  struct Folder {
    Folder() {
      std::string name = (fs::temp_directory_path() / "resnet-fuzz-XXXXXX").string();
      if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
      path = name;
    }
    ~Folder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
    fs::path path;
  };
  static const Folder folder;
  return folder.path;
}

}  // namespace

void fuzz_cifar(Input input) {
  for (const char* name : {"data_batch_1.bin", "train.bin"}) {
    const fs::path file = scratch_folder() / name;
    std::ofstream(file, std::ios::binary) << text_of_input(input);
    allow_errors([&] {
      const auto split = open_cifar(scratch_folder(), DataOptions{});
      if (!split) throw std::logic_error("the data set that was written is not found");
      for (int64_t i = 0; i < split->test->size(); ++i)
        if (split->test->label(i) >= static_cast<int>(split->test->classes().size()))
          throw std::logic_error("a label without a class");
    });
    fs::remove(file);
  }
}

void fuzz_safetensors(Input input) {
  std::istringstream stream(text_of_input(input));
  allow_errors([&] {
    const TensorFile file =
        read_safetensors(stream, "input", {.header_bytes = 1 << 20, .tensors = 1000, .total_bytes = 1 << 24});
    uint64_t bytes = 0;
    for (const auto& [name, tensor] : file.tensors) bytes += static_cast<uint64_t>(tensor.shape().elements());
    if (bytes > input.size()) throw std::logic_error("more elements than the file has bytes");
  });
}

void fuzz_pytorch(Input input) {
  const std::string bytes = text_of_input(input);
  constexpr ReadLimits limits{.header_bytes = 1 << 20, .tensors = 1000, .total_bytes = 1 << 24};
  allow_errors([&] {
    std::istringstream stream(bytes);
    uint64_t elements = 0;
    for (const NamedTensor& item : read_pytorch(stream, "input", limits).tensors)
      elements += static_cast<uint64_t>(item.tensor.elements());
    if (elements > 16 * input.size() + (1 << 20)) throw std::logic_error("more elements than the file accounts for");
  });
  allow_errors([&] {
    std::istringstream stream(bytes);
    find_state_dict(read_pickle(stream, {.bytes = 1 << 20, .values = 1 << 20}), limits);
  });
}

void fuzz_onnx(Input input) {
  allow_errors([&] {
    const onnx::ImportedNetwork network = onnx::import_network(text_of_input(input), "input", ImageSize{3, 8, 8});
    if (!(spec_from_json(to_json_text(network.spec)) == network.spec))
      throw std::logic_error("a network that is written out changes when written");
    forward_graph(network.spec, 1, Mode::inference);
  });
}

void fuzz_config(Input input) {
  const std::string text = text_of_input(input);
  allow_errors([&] {
    const RunConfig config = config_from_toml(text, "input");
    if (!(config_from_toml(to_toml(config), "written") == config))
      throw std::logic_error("a config changes when written");
  });
  allow_errors([&] { recipe_from_toml(text, "input"); });
}

void fuzz_metadata(Input input) {
  const std::string text = text_of_input(input);
  allow_errors([&] {
    const ModelSpec spec = spec_from_json(text);
    if (!(spec_from_json(to_json_text(spec)) == spec)) throw std::logic_error("a spec changes when written");
  });
  allow_errors([&] {
    const Preprocessing preprocessing = preprocessing_from_json(text);
    if (!(preprocessing_from_json(to_json_text(preprocessing)) == preprocessing))
      throw std::logic_error("a preprocessing changes when written");
  });
  allow_errors([&] { position_from_json(text); });
}

}  // namespace resnet::fuzz
