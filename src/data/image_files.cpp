#include "data/image_files.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "data/decode.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <set>
#include <span>
#include <utility>

namespace resnet {
namespace {

constexpr int deepest = 64;  // levels of folders
constexpr std::size_t most_folders = 1'000'000;

class Descriptor {
 public:
  explicit Descriptor(const fs::path& path) : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

void read_at(int descriptor, uint64_t offset, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_data("cannot be read: ", std::strerror(errno));
    if (got == 0) fail_data("cut short while it was read");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
}

std::vector<std::byte> read_whole(const fs::path& path) {
  const Descriptor file(path);
  struct stat status {};
  if (file.number() < 0 || ::fstat(file.number(), &status) != 0) fail_data("cannot be opened: ", std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail_data("is not a file");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size > largest_file) fail_data("has ", size, " bytes, more than the limit of ", largest_file);
  std::vector<std::byte> bytes(size);
  read_at(file.number(), 0, bytes);
  return bytes;
}

/// "gif" of "a/b.GIF"; empty if there is none.
std::string extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  std::string extension(dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1));
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool is_hidden(const std::string& name) { return name.starts_with('.') || name == "__MACOSX"; }

/// Device and number of a folder, which tell it whatever the links that lead to it.
using FolderId = std::pair<dev_t, ino_t>;

class Walk {
 public:
  void enter(const fs::path& folder, const std::string& name, int depth) {
    struct stat status {};
    if (depth > deepest || ::stat(folder.c_str(), &status) != 0) return;
    const FolderId id(status.st_dev, status.st_ino);
    if (std::ranges::find(above_, id) != above_.end()) return;  // a link back to where it came from
    if (!name.empty()) found.folders.push_back(name);
    if (found.folders.size() > most_folders)
      fail_data("has more than ", most_folders, " folders below it; links may lead in circles");
    above_.push_back(id);
    read_entries(folder, name, depth);
    above_.pop_back();
  }

  FoundImages found;

 private:
  void read_entries(const fs::path& folder, const std::string& name, int depth) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    if (error) fail_data(folder.string(), ": cannot be read: ", error.message());
    std::vector<std::string> names;
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) fail_data(folder.string(), ": cannot be read: ", error.message());
      names.push_back(entries->path().filename().string());
    }
    for (const std::string& entry : names) look_at(folder / entry, name.empty() ? entry : name + "/" + entry, depth);
  }

  void look_at(const fs::path& path, const std::string& name, int depth) {
    if (is_hidden(path.filename().string())) return;
    if (is_folder(path)) return enter(path, name, depth + 1);
    if (has_image_extension(name)) found.files.push_back(name);
    if (has_foreign_extension(name)) found.left_out.push_back(name);
  }

  std::vector<FolderId> above_;
};

}  // namespace

ImageFiles::~ImageFiles() {
  for (const int descriptor : archives_) ::close(descriptor);
}

int32_t ImageFiles::add_archive(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_data(path.string(), ": cannot be opened: ", std::strerror(errno));
  archives_.push_back(descriptor);
  return static_cast<int32_t>(archives_.size()) - 1;
}

std::vector<std::byte> ImageFiles::read(const ImageFile& file) const {
  if (file.archive < 0) return read_whole(root_ / file.name);
  if (file.bytes > largest_file) fail_data("has ", file.bytes, " bytes, more than the limit of ", largest_file);
  std::vector<std::byte> bytes(file.bytes);
  read_at(archive(file.archive), file.offset, bytes);
  return bytes;
}

bool has_image_extension(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot != std::string_view::npos && format_of_extension(name.substr(dot)).has_value();
}

bool has_foreign_extension(std::string_view name) {
  constexpr std::array<std::string_view, 17> extensions = {"gif",  "tif", "tiff", "heic", "heif", "avif",
                                                           "jfif", "jp2", "jxl",  "svg",  "tga",  "ico",
                                                           "psd",  "dng", "cr2",  "nef",  "arw"};
  return std::ranges::find(extensions, extension_of(name)) != extensions.end();
}

std::string note_of_left_out(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::set<std::string> extensions;
  for (const std::string& name : names) extensions.insert(extension_of(name));
  std::string list;
  for (const std::string& extension : extensions) list += (list.empty() ? "" : ", ") + extension;
  return text_of(plural(names.size(), "file"), " (", list, ") ", names.size() == 1 ? "is" : "are",
                 " left out; photos are read as jpg, jpeg, png, ppm, pgm, bmp and webp");
}

FoundImages find_images(const fs::path& folder) {
  Walk walk;
  walk.enter(folder, "", 0);
  std::sort(walk.found.files.begin(), walk.found.files.end());
  std::sort(walk.found.folders.begin(), walk.found.folders.end());
  std::sort(walk.found.left_out.begin(), walk.found.left_out.end());
  return std::move(walk.found);
}

}  // namespace resnet
