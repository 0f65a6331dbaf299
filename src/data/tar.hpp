// Photos in tar files, read where they lie: the headers are looked at once, the images by their offsets. Class folders
// inside, or pairs of names as WebDataset writes them (NAME.jpg beside NAME.cls).
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"
#include "data/image_files.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

struct DataOptions;

/// A file inside a tar file.
struct TarEntry {
  std::string name;  // without a leading "./"
  uint64_t offset = 0, bytes = 0;
};

/// The regular files of an open tar file of `size` bytes: POSIX (ustar, pax) and GNU headers, whose checksums must be
/// right. Links and devices are passed over. Error (bad data): damaged, cut short, or beyond a limit.
std::vector<TarEntry> tar_entries(int descriptor, uint64_t size);

/// The images of a tar file in their order, whatever their classes; their names begin with its path. The file joins the
/// archives of `files`. Error (bad data): see tar_entries().
std::vector<ImageFile> images_in_tar(ImageFiles& files, const fs::path& path);

/// A tar file, or a folder with tar files right in it; none if `path` is neither. A shard called train-..., val-...,
/// validation-... or test-... belongs to that part, if all of them are called so.
std::optional<DataSplit> open_tar_shards(const fs::path& path, const DataOptions& options);

}  // namespace resnet
