#include "base/error.hpp"
#include "formats/safetensors.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace resnet {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie in memory: little-endian");

using NamedTensor = std::pair<std::string, const Tensor*>;

const char* stored_name(DType type) {
  switch (type) {
    case DType::f64: return "F64";
    case DType::f32: return "F32";
    case DType::bf16: return "BF16";
    case DType::i64: return "I64";
    case DType::i32: return "I32";
    case DType::u8: return "U8";
  }
  return "?";
}

/// Wide types first, so that each tensor is aligned to its type; then by name.
std::vector<NamedTensor> in_file_order(const TensorReferences& tensors) {
  std::vector<NamedTensor> ordered(tensors.begin(), tensors.end());
  std::ranges::stable_sort(ordered, std::greater(), [](const NamedTensor& t) { return size_of(t.second->dtype()); });
  return ordered;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string header_of(const std::vector<NamedTensor>& tensors, const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  const auto next = [&](const std::string& name) {
    if (header.back() != '{') header += ',';
    header += quoted(name) + ':';
  };
  if (!metadata.empty()) {
    next("__metadata__");
    header += '{';
    for (const auto& [key, value] : metadata) {
      next(key);
      header += quoted(value);
    }
    header += '}';
  }
  std::size_t position = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t end = position + tensor->bytes().size();
    const nlohmann::json shape(std::vector<int64_t>(tensor->shape().begin(), tensor->shape().end()));
    next(name);
    header += text_of(R"({"dtype":")", stored_name(tensor->dtype()), R"(","shape":)", shape.dump(),
                      R"(,"data_offsets":[)", position, ',', end, "]}");
    position = end;
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');  // the data start at a multiple of 8
  return header;
}

}  // namespace

void write_safetensors(const fs::path& path, const TensorReferences& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<NamedTensor> ordered = in_file_order(tensors);
  const std::string header = header_of(ordered, metadata);
  const uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const auto& [name, tensor] : ordered) file.write(tensor->bytes());
  file.commit();
}

}  // namespace resnet
