#include "readers.hpp"

#include "allow_errors.hpp"
#include "formats/onnx_import.hpp"
#include "formats/pytorch.hpp"
#include "formats/safetensors.hpp"
#include "models/model.hpp"

#include <sstream>
#include <stdexcept>
#include <string>

namespace resnet::fuzz {

using Input = std::span<const std::byte>;

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

}  // namespace resnet::fuzz
