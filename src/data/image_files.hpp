// Where the encoded bytes of images lie: files of a folder, or parts of tar files. Names are relative to the data, so a
// data set means the same wherever it lies.
#pragma once

#include "base/files.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// The encoded bytes of one image.
struct ImageFile {
  std::string name;      // "train/ants/0013035.jpg"
  int32_t archive = -1;  // index of the tar file it is in; -1: a file of its own
  uint64_t offset = 0;   // in the tar file
  uint64_t bytes = 0;
};

/// Files found together. Reading is thread-safe.
class ImageFiles {
 public:
  explicit ImageFiles(fs::path root) : root_(std::move(root)) {}
  ~ImageFiles();
  ImageFiles(const ImageFiles&) = delete;
  ImageFiles& operator=(const ImageFiles&) = delete;

  const fs::path& root() const { return root_; }
  std::vector<ImageFile> files;
  /// Names of pictures in formats that are not read.
  std::vector<std::string> left_out;

  /// Opens a tar file whose parts `files` may name; returns its index. Error (bad data): it cannot be opened.
  int32_t add_archive(const fs::path& path);
  int archive(int32_t index) const { return archives_[static_cast<std::size_t>(index)]; }

  /// The encoded bytes. Error (bad data), without the name: missing, unreadable, cut short, above `largest_file`.
  std::vector<std::byte> read(const ImageFile& file) const;

 private:
  fs::path root_;
  std::vector<int> archives_;  // descriptors
};

/// No photograph is as large; more is refused before memory is taken.
inline constexpr uint64_t largest_file = uint64_t{512} << 20;

/// Whether the extension is one of jpg jpeg png ppm pgm bmp webp, in any case.
bool has_image_extension(std::string_view name);

/// Whether the extension is that of another format of pictures (gif, tif, heic ...), which is not read.
bool has_foreign_extension(std::string_view name);

/// "2 files (gif, tif) are left out; photos are read as jpg ..."; empty if there are none.
std::string note_of_left_out(const std::vector<std::string>& names);

/// The images below a folder.
struct FoundImages {
  std::vector<std::string> files;     // relative, '/' between the parts, sorted by bytes
  std::vector<std::string> folders;   // likewise: every folder that was entered
  std::vector<std::string> left_out;  // likewise: pictures in formats that are not read
};
/// Looks for images at any depth. Names that begin with a dot and __MACOSX are passed over, links are followed,
/// unless they lead back to a folder they lie in. Error (bad data): a folder cannot be read.
FoundImages find_images(const fs::path& folder);

}  // namespace resnet
