#include "data_sets.hpp"

#include "allow_errors.hpp"
#include "base/csv.hpp"
#include "base/files.hpp"
#include "data/cache_file.hpp"
#include "data/cifar.hpp"
#include "data/idx.hpp"
#include "data/open.hpp"
#include "data/photo_split.hpp"
#include "data/split.hpp"
#include "data/tar.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace resnet::fuzz {
namespace {

using Input = std::span<const std::byte>;

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

/// A file in the scratch folder, until the end of the scope.
class ScratchFile {
 public:
  ScratchFile(const std::string& name, const std::string& bytes) : path_(scratch_folder() / name) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~ScratchFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void expect_labels_have_classes(const Dataset& dataset) {
  for (int64_t i = 0; i < dataset.size(); ++i)
    if (dataset.label(i) < 0 || dataset.label(i) >= static_cast<int>(dataset.classes().size()))
      throw std::logic_error("a label without a class");
}

std::string big_endian(uint32_t number) {
  std::string text;
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(number >> shift);
  return text;
}

/// The first count in the header of an idx file, as far as it can be one of a small file.
uint32_t idx_count(Input input) {
  uint32_t count = 0;
  for (std::size_t at = 4; at < 8 && at < input.size(); ++at) count = count << 8 | static_cast<uint32_t>(input[at]);
  return std::min(count, uint32_t{1} << 16);
}

}  // namespace

void fuzz_cifar(Input input) {
  for (const char* name : {"data_batch_1.bin", "train.bin"}) {
    const ScratchFile file(name, text_of_input(input));
    allow_errors([&] {
      const auto split = open_cifar(scratch_folder(), DataOptions{});
      if (!split) throw std::logic_error("the data set that was written is not found");
      expect_labels_have_classes(*split->test);
    });
  }
}

void fuzz_idx(Input input) {
  const std::string bytes = text_of_input(input), count = big_endian(idx_count(input));
  const std::string images = std::string("\0\0\x08\x03", 4) + count + big_endian(1) + big_endian(1),
                    labels = std::string("\0\0\x08\x01", 4) + count;
  const std::string values(idx_count(input), '\x03');
  const auto open = [](const std::string& images_end, const std::string& image_bytes, const std::string& labels_end,
                       const std::string& label_bytes) {
    const ScratchFile images_file("t10k-images-idx3-ubyte" + images_end, image_bytes),
        labels_file("t10k-labels-idx1-ubyte" + labels_end, label_bytes);
    allow_errors([&] {
      const auto split = open_idx(scratch_folder(), DataOptions{});
      if (!split) throw std::logic_error("the data set that was written is not found");
      expect_labels_have_classes(*split->test);
    });
  };
  open("", bytes, "", labels + values);
  open("", images + values, "", bytes);
  open(".gz", bytes, "", labels + values);
  open("", images + values, ".gz", bytes);
}

void fuzz_tar(Input input) {
  const ScratchFile file("shard.tar", text_of_input(input));
  allow_errors([&] {
    const int descriptor = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw std::runtime_error("the shard that was written cannot be opened");
    std::vector<TarEntry> entries;
    try {
      entries = tar_entries(descriptor, input.size());
    } catch (const Error&) {
    }
    ::close(descriptor);
    for (const TarEntry& entry : entries)
      if (entry.offset > input.size() || entry.bytes > input.size() - entry.offset)
        throw std::logic_error("an entry beyond the end of the file");
  });
  allow_errors([&] {
    const auto split = open_tar_shards(file.path(), DataOptions{.threads = 1});
    if (!split) throw std::logic_error("the shard that was written is not found");
    for (const auto& part : {split->train, split->test})
      if (part) expect_labels_have_classes(*part);
  });
}

namespace {

/// Looks for every entry that the end of the file may hold, and reads what is found.
void read_cache(const std::string& bytes, const std::vector<CacheEntry>& entries) {
  const ScratchFile file("photos.cache", bytes);
  const std::shared_ptr<const CacheFile> cache = CacheFile::open(file.path());
  if (!cache) return;
  for (const CacheEntry& wanted : entries) {
    const CacheEntry* entry = cache->find(wanted.key);
    if (!entry || entry->key != wanted.key) throw std::logic_error("an entry of the index is not found");
    if (const auto pixels = cache->pixels(*entry); pixels && content_hash(*pixels, 0) != entry->pixels)
      throw std::logic_error("pixels that are not those that were written");
  }
}

}  // namespace

void fuzz_cache(Input input) {
  const std::string bytes = text_of_input(input);
  read_cache(bytes, {});
  // As mutations do not find a hash: pixels and entries from the input, the trailer (magic, count, index, hash) from
  // here.
  if (input.empty()) return;
  const std::size_t most = bytes.size() / sizeof(CacheEntry);
  std::vector<CacheEntry> entries(std::min<std::size_t>(most, static_cast<std::size_t>(input[0]) % 8));
  const std::size_t index = bytes.size() - entries.size() * sizeof(CacheEntry);
  if (!entries.empty()) std::memcpy(entries.data(), bytes.data() + index, entries.size() * sizeof(CacheEntry));
  std::ranges::stable_sort(entries, {}, &CacheEntry::key);
  const std::string sorted(reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(CacheEntry));
  const uint64_t hash = content_hash({reinterpret_cast<const uint8_t*>(sorted.data()), sorted.size()}, 0);
  const uint64_t numbers[] = {entries.size(), index, hash};
  std::string trailer("RnCache1");
  trailer.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  read_cache(bytes.substr(0, index) + sorted + trailer, entries);
}

void fuzz_csv(Input input) {
  const std::vector<std::vector<std::string>> rows = csv_rows(text_of_input(input));
  std::string written = "title\n";
  for (const std::vector<std::string>& row : rows) written += csv_row(row);
  if (csv_rows(written) != rows) throw std::logic_error("a table changes when written");
  allow_errors([&] {
    const SavedSplit split(text_of_input(input), "input");
    for (const std::string& name : split.classes()) split.validates(name, input.size());
  });
}

}  // namespace resnet::fuzz
