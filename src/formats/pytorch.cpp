// The two containers of PyTorch files: where the pickle lies, and where the bytes of each storage.
#include "formats/pytorch.hpp"

#include "base/error.hpp"
#include "formats/zip.hpp"
#include "models/excerpt.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <istream>
#include <map>
#include <sstream>
#include <string_view>

namespace resnet {
namespace {

constexpr std::string_view zip_magic{"PK\x03\x04", 4};
/// The pickled number 0x1950a86a20f9469cfc6c that the older format begins with.
constexpr std::string_view stream_magic{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15};

/// Memory for tensors grows with the file: an expanded tensor repeats elements of a small storage, a hostile one
/// endlessly.
uint64_t memory_limit(uint64_t file_bytes, const ReadLimits& limits) {
  constexpr uint64_t growth = 16, least = 1 << 20;
  return std::min(limits.total_bytes, growth * file_bytes + least);
}

using ReadStorage = std::function<std::string(const std::string& key, uint64_t bytes)>;

/// Storages are read one by one, and each only once.
std::vector<NamedTensor> read_tensors(const std::vector<TensorRecipe>& recipes, uint64_t most,
                                      const ReadStorage& read) {
  std::map<std::string, std::vector<std::size_t>> users;
  uint64_t total = 0;
  for (std::size_t i = 0; i < recipes.size(); ++i) {
    constexpr uint64_t widest = sizeof(double);
    element_bytes(recipes[i].type, recipes[i].name);
    const auto elements = static_cast<uint64_t>(recipes[i].shape.elements());
    if (elements > (most - total) / widest)
      fail_model("tensor '", excerpt(recipes[i].name), "' ", recipes[i].shape,
                 " makes its tensors larger than the file can account for (", most, " bytes)");
    total += elements * widest;
    users[recipes[i].storage].push_back(i);
  }
  std::vector<NamedTensor> tensors(recipes.size());
  for (const auto& [key, indices] : users) {
    uint64_t bytes = 0;
    for (const std::size_t i : indices) {
      const auto width = static_cast<uint64_t>(element_bytes(recipes[i].type, recipes[i].name));
      const auto elements = static_cast<uint64_t>(recipes[i].storage_elements);
      if (elements > most / width) fail_model("storage '", excerpt(key), "' claims ", elements, " elements");
      bytes = std::max(bytes, elements * width);
    }
    const std::string storage = read(key, bytes);
    for (const std::size_t i : indices) tensors[i] = {recipes[i].name, tensor_from(recipes[i], storage)};
  }
  return tensors;
}

WeightsFile with_tensors(const char* format, StateDict found, std::vector<NamedTensor> tensors) {
  return {.format = format,
          .chosen = std::move(found.chosen),
          .tensors = std::move(tensors),
          .other = std::move(found.other),
          .foreign = std::move(found.foreign)};
}

// --- zip: FOLDER/data.pkl and FOLDER/data/KEY ---

/// The folder of the archive, "archive/".
std::string folder_of(const ZipArchive& archive) {
  constexpr std::string_view pickle = "data.pkl";
  for (const ZipEntry& entry : archive.entries()) {
    const std::size_t slash = entry.name.find('/');
    if (slash != std::string::npos && entry.name.substr(slash + 1) == pickle) return entry.name.substr(0, slash + 1);
  }
  fail_model("a zip archive without data.pkl: no PyTorch file");
}

WeightsFile read_zip(std::istream& stream, const ReadLimits& limits) {
  const ZipArchive archive(stream);
  const std::string folder = folder_of(archive);
  if (archive.find(folder + "constants.pkl"))
    fail_model("a TorchScript archive, which holds code; save the tensors alone: torch.save(model.state_dict(), ...)");
  if (const ZipEntry* order = archive.find(folder + "byteorder"); order && archive.read(*order, 16) != "little")
    fail_model("was written on a big-endian machine");
  const PickleLimits pickle_limits;
  std::istringstream bytes(archive.read(*archive.find(folder + "data.pkl"), pickle_limits.bytes));
  StateDict found = find_state_dict(read_pickle(bytes, pickle_limits), limits);
  const uint64_t most = memory_limit(archive.bytes(), limits);
  std::vector<NamedTensor> tensors = read_tensors(found.tensors, most, [&](const std::string& key, uint64_t size) {
    const ZipEntry* entry = archive.find(folder + "data/" + key);
    if (!entry) fail_model("has no storage '", excerpt(key), "'");
    if (entry->size < size)
      fail_model("storage '", excerpt(key), "' has ", entry->size, " bytes, ", size, " are needed");
    return archive.read(*entry, most);
  });
  return with_tensors("PyTorch (zip)", std::move(found), std::move(tensors));
}

// --- the older stream: magic, protocol, system, the object, the storages' keys, the storages ---

struct StoredBytes {
  uint64_t position = 0, bytes = 0;
};

/// Where each storage lies; its size in elements stands before it, the size of an element only in the tensors.
std::map<std::string, StoredBytes> locate_storages(std::istream& stream, const Pickle& keys, const StateDict& found,
                                                   const Pickle& content) {
  std::map<std::string, int64_t> widths;
  for (const TensorRecipe& recipe : found.tensors) widths[recipe.storage] = element_bytes(recipe.type, recipe.name);
  // Storages of tensors that were not chosen (an optimizer's) must be stepped over too.
  for (const PickleValue& value : content.values) {
    if (value.kind != PickleKind::id) continue;
    const PickleValue& id = content[value.items[0]];
    if (id.kind != PickleKind::tuple || id.items.size() < 5) continue;
    const std::string& type = content[id.items[1]].text;
    const std::size_t dot = type.rfind('.') + 1;
    if (type.ends_with("Storage") && type.size() >= dot + 7)
      widths.try_emplace(content[id.items[2]].text,
                         element_bytes(type.substr(dot, type.size() - dot - 7), "(left out)"));
  }
  std::map<std::string, StoredBytes> places;
  for (const PickleRef item : keys[keys.root].items) {
    const std::string key =
        keys[item].kind == PickleKind::integer ? std::to_string(keys[item].integer) : keys[item].text;
    const auto width = widths.find(key);
    if (width == widths.end()) fail_model("storage '", excerpt(key), "' belongs to no tensor");
    uint64_t elements = 0;
    stream.read(reinterpret_cast<char*>(&elements), sizeof elements);
    constexpr uint64_t most = uint64_t{1} << 48;
    if (!stream || elements > most) fail_model("truncated, or storage '", excerpt(key), "' claims an absurd size");
    const StoredBytes place{static_cast<uint64_t>(stream.tellg()), elements * static_cast<uint64_t>(width->second)};
    if (!places.emplace(key, place).second) fail_model("storage '", excerpt(key), "' is there twice");
    stream.seekg(static_cast<std::streamoff>(place.position + place.bytes));
  }
  return places;
}

WeightsFile read_stream(std::istream& stream, const ReadLimits& limits) {
  stream.seekg(0, std::ios::end);
  const auto file_bytes = static_cast<uint64_t>(static_cast<int64_t>(stream.tellg()));
  stream.seekg(static_cast<std::streamoff>(stream_magic.size()));
  const Pickle protocol = read_pickle(stream), system = read_pickle(stream);
  if (protocol[protocol.root].integer != 1001)
    fail_model("PyTorch's older format in version ", protocol[protocol.root].integer, "; 1001 is known");
  const PickleValue* little = find_key(system, system[system.root], "little_endian");
  if (little && !little->integer) fail_model("was written on a big-endian machine");
  const Pickle content = read_pickle(stream), keys = read_pickle(stream);
  StateDict found = find_state_dict(content, limits);
  const std::map<std::string, StoredBytes> places = locate_storages(stream, keys, found, content);
  const uint64_t most = memory_limit(file_bytes, limits);
  std::vector<NamedTensor> tensors = read_tensors(found.tensors, most, [&](const std::string& key, uint64_t size) {
    const auto place = places.find(key);
    if (place == places.end()) fail_model("has no storage '", excerpt(key), "'");
    const auto& [position, bytes] = place->second;
    if (bytes < size) fail_model("storage '", excerpt(key), "' has ", bytes, " bytes, ", size, " are needed");
    if (position > file_bytes || bytes > file_bytes - position) fail_model("truncated: storage '", excerpt(key), "'");
    std::string storage(bytes, '\0');
    stream.clear();
    stream.seekg(static_cast<std::streamoff>(position));
    stream.read(storage.data(), static_cast<std::streamsize>(bytes));
    if (!stream) fail_model("truncated, or reading failed");
    return storage;
  });
  return with_tensors("PyTorch (older stream)", std::move(found), std::move(tensors));
}

bool begins_with(std::istream& stream, std::string_view magic) {
  std::string start(magic.size(), '\0');
  stream.clear();
  stream.seekg(0);
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  const bool equal = stream && start == magic;
  stream.clear();
  stream.seekg(0);
  return equal;
}

}  // namespace

bool looks_like_pytorch(std::istream& stream) {
  return begins_with(stream, zip_magic) || begins_with(stream, stream_magic);
}

WeightsFile read_pytorch(std::istream& stream, const std::string& name, const ReadLimits& limits) {
  return with_context(name, [&] {
    if (begins_with(stream, zip_magic)) return read_zip(stream, limits);
    if (begins_with(stream, stream_magic)) return read_stream(stream, limits);
    fail_model("neither a zip archive nor PyTorch's older format; a plain pickle, or damaged");
  });
}

}  // namespace resnet
