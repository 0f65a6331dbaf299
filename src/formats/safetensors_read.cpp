#include "base/error.hpp"
#include "formats/half.hpp"
#include "formats/safetensors.hpp"
#include "models/excerpt.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <istream>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace resnet {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are read as they are stored: little-endian");

using Json = nlohmann::json;

/// How a type is stored, and what it becomes.
struct StoredType {
  std::string_view name;
  uint64_t bytes;
  DType loaded;
};
constexpr StoredType stored_types[] = {{"F64", 8, DType::f64},  {"F32", 4, DType::f32}, {"F16", 2, DType::f32},
                                       {"BF16", 2, DType::f32}, {"I64", 8, DType::i64}, {"I32", 4, DType::i32},
                                       {"U8", 1, DType::u8}};

/// One tensor of the header, checked by itself.
struct Entry {
  std::string name;
  StoredType type;
  Shape shape;
  uint64_t begin = 0, end = 0;  // in the bytes after the header
};

/// Refuses while the header is parsed what the finished JSON value no longer shows or would waste memory: names that
/// occur twice, and deep nesting.
class HeaderGuard {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    constexpr int deepest = 3;  // header, tensor, shape
    const auto level = static_cast<std::size_t>(depth);
    if (depth > deepest) fail_model("the header is nested too deeply");
    if (event == Json::parse_event_t::object_start) keys_[level + 1].clear();
    if (event == Json::parse_event_t::key && !keys_[level].insert(parsed.get<std::string>()).second)
      fail_model("the header has '", excerpt(parsed.get<std::string>()), "' twice");
    return true;
  }

 private:
  std::array<std::set<std::string>, 5> keys_;
};

Json parse_header(const std::string& text) {
  if (!text.starts_with('{')) fail_model("not a safetensors file: its header does not start with '{'");
  try {
    return Json::parse(text, HeaderGuard());
  } catch (const Json::exception& error) {
    fail_model("malformed header: ", excerpt(error.what(), 160));
  }
}

uint64_t whole_number(const Json& json, const char* what) {
  if (!json.is_number_unsigned())
    fail_model(what, ": expected a whole number of at least 0, got ", excerpt(json.dump()));
  return json.get<uint64_t>();
}

const Json& member(const Json& tensor, const char* key) {
  const auto found = tensor.find(key);
  if (found == tensor.end()) fail_model("has no ", key);
  return *found;
}

StoredType stored_type(const Json& json) {
  for (const StoredType& type : stored_types)
    if (json.is_string() && json.get_ref<const std::string&>() == type.name) return type;
  fail_model("dtype ", excerpt(json.dump()), " is not supported: F64, F32, F16, BF16, I64, I32 and U8 are");
}

/// The extents, and through `elements` their product, which fits in 63 bits.
Shape parsed_shape(const Json& json, uint64_t& elements) {
  if (!json.is_array()) fail_model("shape: expected a list");
  if (json.size() > Shape::max_rank) fail_model("shape: rank ", json.size(), " is above ", Shape::max_rank);
  constexpr uint64_t most = std::numeric_limits<int64_t>::max();
  Shape shape;
  elements = 1;
  for (const Json& item : json) {
    const uint64_t extent = whole_number(item, "shape");
    if (extent > most || (extent > 0 && elements > most / extent))
      fail_model("shape ", excerpt(json.dump()), " overflows");
    elements *= extent;
    shape.append(static_cast<int64_t>(extent));
  }
  return shape;
}

Entry parsed_entry(const std::string& name, const Json& tensor, uint64_t data_bytes) {
  if (!tensor.is_object()) fail_model("expected an object with dtype, shape and data_offsets");
  Entry entry{name, stored_type(member(tensor, "dtype")), {}};
  uint64_t elements = 0;
  entry.shape = parsed_shape(member(tensor, "shape"), elements);
  const Json& offsets = member(tensor, "data_offsets");
  if (!offsets.is_array() || offsets.size() != 2) fail_model("data_offsets: expected begin and end");
  entry.begin = whole_number(offsets[0], "data_offsets");
  entry.end = whole_number(offsets[1], "data_offsets");
  if (entry.begin > entry.end || entry.end > data_bytes)
    fail_model("data_offsets ", offsets.dump(), " leave the file's ", data_bytes, " bytes of data (truncated?)");
  // Divided rather than multiplied, so that nothing overflows.
  const uint64_t bytes = entry.end - entry.begin;
  if (bytes % entry.type.bytes != 0 || bytes / entry.type.bytes != elements)
    fail_model("data_offsets: ", bytes, " bytes do not hold ", entry.type.name, " ", entry.shape);
  return entry;
}

std::map<std::string, std::string> parsed_metadata(const Json& json) {
  if (!json.is_object()) fail_model("__metadata__: expected an object of strings");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) fail_model("__metadata__: '", excerpt(key), "' is not a string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

/// Sorted by position; together they cover the data once, without holes.
void expect_covering(std::vector<Entry>& entries, uint64_t data_bytes) {
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  uint64_t position = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != position)
      fail_model("tensor '", excerpt(entry.name), "' starts at byte ", entry.begin, " of the data, ",
                 entry.begin < position ? "inside the one before it, which ends at " : "a hole after byte ", position);
    position = entry.end;
  }
  if (position != data_bytes)
    fail_model("the tensors end at byte ", position, " of ", data_bytes, ": bytes that belong to no tensor follow");
}

void read_bytes(std::istream& stream, std::span<std::byte> bytes) {
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (static_cast<std::size_t>(stream.gcount()) != bytes.size()) fail_model("truncated, or reading failed");
}

Tensor read_tensor(std::istream& stream, const Entry& entry) {
  Tensor tensor(entry.shape, entry.type.loaded);
  if (entry.type.bytes == size_of(entry.type.loaded)) {
    read_bytes(stream, tensor.bytes());
    return tensor;
  }
  std::vector<uint16_t> stored(static_cast<std::size_t>(tensor.elements()));
  read_bytes(stream, std::as_writable_bytes(std::span(stored)));
  std::ranges::transform(stored, tensor.data<float>().begin(),
                         entry.type.name == "F16" ? float_from_f16 : float_from_bf16);
  return tensor;
}

/// The whole file's size; the stream is at its start afterwards.
uint64_t size_of_stream(std::istream& stream) {
  stream.seekg(0, std::ios::end);
  const auto size = static_cast<int64_t>(stream.tellg());
  stream.seekg(0);
  if (!stream || size < 0) fail_model("cannot be read from start to end");
  return static_cast<uint64_t>(size);
}

/// The header's text; its length is checked before memory is taken for it.
std::string read_header(std::istream& stream, uint64_t size, const ReadLimits& limits) {
  uint64_t length = 0;
  if (size > limits.total_bytes) fail_model(size, " bytes are above the limit of ", limits.total_bytes);
  if (size < sizeof length) fail_model("not a safetensors file: only ", size, " bytes");
  read_bytes(stream, std::as_writable_bytes(std::span(&length, 1)));
  if (length > limits.header_bytes)
    fail_model("not a safetensors file: its first 8 bytes stand for a header of ", length,
               " bytes, above the limit of ", limits.header_bytes,
               "; expected a run directory, a .safetensors file, weights of PyTorch or .onnx");
  if (length > size - sizeof length)
    fail_model("truncated: a header of ", length, " bytes in a file of ", size, " bytes");
  std::string text(length, '\0');
  read_bytes(stream, std::as_writable_bytes(std::span(text)));
  return text;
}

TensorFile read_stream(std::istream& stream, const ReadLimits& limits) {
  const uint64_t size = size_of_stream(stream);
  const std::string text = read_header(stream, size, limits);
  const uint64_t data_bytes = size - sizeof(uint64_t) - text.size();
  const Json header = parse_header(text);
  if (header.size() > limits.tensors) fail_model(header.size(), " tensors are above the limit of ", limits.tensors);
  TensorFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__")
      file.metadata = parsed_metadata(value);
    else
      entries.push_back(with_context(text_of("tensor '", excerpt(name), "'"), [&, &key = name, &tensor = value] {
        return parsed_entry(key, tensor, data_bytes);
      }));
  }
  expect_covering(entries, data_bytes);
  for (const Entry& entry : entries) file.tensors.emplace(entry.name, read_tensor(stream, entry));
  return file;
}

}  // namespace

TensorFile read_safetensors(std::istream& stream, const std::string& name, const ReadLimits& limits) {
  return with_context(name, [&] { return read_stream(stream, limits); });
}

TensorFile read_safetensors(const fs::path& path, const ReadLimits& limits) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail_model(path.string(), ": no such file");
  if (!fs::is_regular_file(status)) fail_model(path.string(), ": not a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail_model(path.string(), ": cannot be opened for reading: ", std::strerror(errno));
  return read_safetensors(stream, path.string(), limits);
}

}  // namespace resnet
