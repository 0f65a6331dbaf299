#include "data/tar.hpp"

#include "base/error.hpp"
#include "data/image_files.hpp"
#include "data/open.hpp"
#include "data/photos.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace resnet {
namespace {

constexpr uint64_t block = 512;
constexpr uint64_t longest_name = 64 << 10;  // of an extended header
constexpr std::size_t most_entries = 50'000'000;

using Header = std::array<char, block>;

std::string_view field(const Header& header, std::size_t at, std::size_t length) {
  const std::string_view text(header.data() + at, length);
  return text.substr(0, text.find('\0'));
}

/// Octal digits, or, with the highest bit set, a number of base 256. None if it is neither.
std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  if (!text.empty() && (static_cast<unsigned char>(text[0]) & 0x80) != 0) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(text[i]);
    }
    return text[0] == '\x80' ? std::optional(value) : std::nullopt;
  }
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole || text.empty() ? std::optional(value) : std::nullopt;
}

bool checksum_fits(const Header& header) {
  uint64_t sum = 8 * ' ';
  for (std::size_t i = 0; i < block; ++i)
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(header[i]);
  return number({header.data() + 148, 8}) == sum;
}

/// What extended headers say of the entry that follows them.
struct Extension {
  std::string name;
  std::optional<uint64_t> bytes;
};

/// Records "LENGTH KEY=VALUE\n" of a pax header; `path` and `size` count.
void read_pax(std::string_view text, Extension& extension) {
  while (!text.empty()) {
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || length <= digits + 1 || length > text.size()) return;
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    text.remove_prefix(length);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") extension.name = value;
    uint64_t bytes = 0;
    if (key == "size" && std::from_chars(value.data(), value.data() + value.size(), bytes).ec == std::errc())
      extension.bytes = bytes;
  }
}

std::string name_of(const Header& header) {
  const std::string name(field(header, 0, 100));
  const bool posix = std::string_view(header.data() + 257, 6) == std::string_view("ustar\0", 6);
  const std::string prefix(posix ? field(header, 345, 155) : std::string_view());
  return prefix.empty() ? name : prefix + "/" + name;
}

std::string without_dot(std::string name) {
  while (name.starts_with("./") || name.starts_with('/')) name.erase(0, name.find('/') + 1);
  return name;
}

/// Reads a tar file from its beginning to its end.
class TarReader {
 public:
  TarReader(int descriptor, uint64_t size) : descriptor_(descriptor), size_(size) {}

  std::vector<TarEntry> entries() {
    std::vector<TarEntry> result;
    Header header;
    while (at_ + block <= size_) {
      read({header.data(), block}, at_);
      if (std::ranges::all_of(header, [](char c) { return c == '\0'; })) return result;
      if (!checksum_fits(header)) fail_data("no tar header at byte ", at_, "; damaged, compressed or not a tar file");
      if (result.size() == most_entries) fail_data("more than ", most_entries, " files in one tar file");
      take(header, result);
    }
    if (at_ != size_) fail_data("cut short: ", size_, " bytes, a header at byte ", at_, " is not whole");
    return result;
  }

 private:
  void take(const Header& header, std::vector<TarEntry>& result) {
    const std::optional<uint64_t> stated = number({header.data() + 124, 12});
    const char type = header[156];
    const bool regular = type == '0' || type == '\0' || type == '7';
    const uint64_t offset = at_ + block, bytes = regular && extension_.bytes ? *extension_.bytes : stated.value_or(0);
    if (!stated || bytes > size_ - offset)
      fail_data("cut short or damaged: the entry at byte ", at_, " claims ",
                stated ? std::to_string(bytes) : "unreadable", " bytes, the file ends after ", size_ - offset);
    at_ = std::min(size_, offset + (bytes + block - 1) / block * block);
    if (type == 'L') extension_.name = text_at(offset, bytes);
    if (type == 'x') read_pax(text_at(offset, bytes), extension_);
    if (type == 'L' || type == 'x' || type == 'K' || type == 'g') return;
    const Extension extension = std::exchange(extension_, {});
    if (regular)
      result.push_back({without_dot(extension.name.empty() ? name_of(header) : extension.name), offset, bytes});
  }

  std::string text_at(uint64_t offset, uint64_t bytes) {
    if (bytes > longest_name) fail_data("an extended header of ", bytes, " bytes at byte ", offset, "; damaged");
    std::string text(bytes, '\0');
    read(text, offset);
    while (!text.empty() && text.back() == '\0') text.pop_back();  // GNU ends a long name with a zero
    return text;
  }

  void read(std::span<char> bytes, uint64_t offset) const {
    while (!bytes.empty()) {
      const ssize_t got = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (got <= 0) fail_data("cannot be read at byte ", offset);
      bytes = bytes.subspan(static_cast<std::size_t>(got));
      offset += static_cast<uint64_t>(got);
    }
  }

  int descriptor_;
  uint64_t size_, at_ = 0;
  Extension extension_;
};

/// "train" of "train-0001.tar"; empty if the name says nothing.
std::string part_of(const fs::path& shard) {
  const std::string name = shard.filename().string();
  for (const char* part : {"train", "validation", "val", "test"})
    if (name.starts_with(part) && !std::isalnum(static_cast<unsigned char>(name[std::string_view(part).size()])))
      return std::string(part);
  return {};
}

/// "dir/000017" of "dir/000017.seg.png": WebDataset's key ends at the first dot of the file's own name.
std::string key_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return name.substr(0, name.find('.', slash == std::string::npos ? 0 : slash));
}

bool is_hidden(const std::string& name) {
  return name.starts_with('.') || name.find("/.") != std::string::npos || name.starts_with("__MACOSX/");
}

/// The labels that a shard in WebDataset's form holds, by key.
std::map<std::string, std::string> labels_in(const ImageFiles& files, int32_t archive,
                                             const std::vector<TarEntry>& entries) {
  constexpr uint64_t longest_label = 256;
  std::map<std::string, std::string> labels;
  for (const TarEntry& entry : entries) {
    if (!entry.name.ends_with(".cls")) continue;
    if (entry.bytes > longest_label) fail_data(entry.name, ": a label of ", entry.bytes, " bytes");
    const std::vector<std::byte> bytes =
        files.read({.name = entry.name, .archive = archive, .offset = entry.offset, .bytes = entry.bytes});
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    if (text.empty() || text.find('/') != std::string::npos) fail_data(entry.name, ": '", text, "' is no class");
    labels[key_of(entry.name)] = text;
  }
  return labels;
}

std::vector<TarEntry> entries_of(const ImageFiles& files, int32_t archive) {
  struct stat status {};
  if (::fstat(files.archive(archive), &status) != 0) fail_data("cannot be looked at");
  return tar_entries(files.archive(archive), static_cast<uint64_t>(status.st_size));
}

void add_shard(ImageFiles& files, const fs::path& shard, const std::string& part) {
  const int32_t archive = files.add_archive(shard);
  const std::vector<TarEntry> entries = entries_of(files, archive);
  const std::map<std::string, std::string> labels = labels_in(files, archive, entries);
  for (const TarEntry& entry : entries) {
    if (is_hidden(entry.name)) continue;
    if (has_foreign_extension(entry.name)) files.left_out.push_back(entry.name);
    if (!has_image_extension(entry.name)) continue;
    std::string name = entry.name;
    if (!labels.empty()) {
      const auto label = labels.find(key_of(entry.name));
      if (label == labels.end()) fail_data(entry.name, ": has no .cls file beside it, as the others have");
      name = label->second + "/" + name;
    }
    if (!part.empty()) name = part + "/" + name;
    files.files.push_back({.name = std::move(name), .archive = archive, .offset = entry.offset, .bytes = entry.bytes});
  }
}

std::vector<fs::path> shards_at(const fs::path& path) {
  std::vector<fs::path> shards;
  if (!is_folder(path)) {
    if (path.extension() == ".tar" && path_exists(path)) shards.push_back(path);
    return shards;
  }
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error))
    if (entry.path().extension() == ".tar" && entry.is_regular_file(error)) shards.push_back(entry.path());
  std::sort(shards.begin(), shards.end());
  return shards;
}

}  // namespace

std::vector<TarEntry> tar_entries(int descriptor, uint64_t size) { return TarReader(descriptor, size).entries(); }

std::vector<ImageFile> images_in_tar(ImageFiles& files, const fs::path& path) {
  return with_context(path.string(), [&] {
    const int32_t archive = files.add_archive(path);
    std::vector<ImageFile> images;
    for (const TarEntry& entry : entries_of(files, archive))
      if (has_image_extension(entry.name) && !is_hidden(entry.name))
        images.push_back(
            {.name = (path / entry.name).string(), .archive = archive, .offset = entry.offset, .bytes = entry.bytes});
    return images;
  });
}

std::optional<DataSplit> open_tar_shards(const fs::path& path, const DataOptions& options) {
  const std::vector<fs::path> shards = shards_at(path);
  if (shards.empty()) return std::nullopt;
  const bool parts = std::ranges::none_of(shards, [](const fs::path& shard) { return part_of(shard).empty(); });
  const auto files = std::make_shared<ImageFiles>(path);
  for (const fs::path& shard : shards)
    with_context(shard.string(), [&] { add_shard(*files, shard, parts ? part_of(shard) : ""); });
  std::stable_sort(files->files.begin(), files->files.end(),
                   [](const ImageFile& a, const ImageFile& b) { return a.name < b.name; });
  return with_context(path.string(), [&] { return open_photos(files, {}, path.stem().string(), options); });
}

}  // namespace resnet
