#include "fetch/unpack.hpp"

#include "base/error.hpp"
#include "data/gzip.hpp"
#include "data/image_files.hpp"
#include "data/tar.hpp"

#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>

namespace resnet {
namespace {

/// Removes what a job did not finish.
class Leftover {
 public:
  explicit Leftover(fs::path path) : path_(std::move(path)) {}
  ~Leftover() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Leftover(const Leftover&) = delete;
  Leftover& operator=(const Leftover&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

fs::path beside(const fs::path& path, const char* ending) {
  fs::path result = path;
  return result += text_of(ending, ::getpid());
}

void expect_inside(const std::string& name) {
  const fs::path path = name;
  if (name.empty() || name.find('\0') != std::string::npos || path.is_absolute() ||
      std::ranges::any_of(path, [](const fs::path& part) { return part == ".."; }))
    fail_data("holds the name '", name, "', which leads out of its folder; nothing was unpacked");
}

void write_entry(const ImageFiles& files, int32_t tar, const TarEntry& entry, const fs::path& target) {
  constexpr uint64_t piece = 16 << 20;
  make_directory(target.parent_path());
  AtomicFile file(target);
  for (uint64_t at = 0; at < entry.bytes; at += piece)
    file.write(files.read(
        {.name = entry.name, .archive = tar, .offset = entry.offset + at, .bytes = std::min(piece, entry.bytes - at)}));
  file.commit();
}

}  // namespace

void decompress(const fs::path& archive, const fs::path& target, uint64_t limit) {
  AtomicFile file(target);
  unpack_gzip(archive, limit, [&](std::string_view piece) { file.write(piece); });
  file.commit();
}

void unpack_tar_gz(const fs::path& archive, const fs::path& target, uint64_t limit) {
  const Leftover tar(beside(archive, ".tar.tmp")), folder(beside(target, ".tmp"));
  decompress(archive, tar.path(), limit);
  with_context(archive.string(), [&] {
    ImageFiles files(tar.path());
    const int32_t index = files.add_archive(tar.path());
    const std::vector<TarEntry> entries = tar_entries(files.archive(index), fs::file_size(tar.path()));
    for (const TarEntry& entry : entries) expect_inside(entry.name);
    make_directory(folder.path());
    for (const TarEntry& entry : entries) write_entry(files, index, entry, folder.path() / entry.name);
  });
  fs::rename(folder.path(), target);
}

}  // namespace resnet
