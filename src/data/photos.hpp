// Photos in class folders, of any size: found, looked at once (header and hash of each file), split, and decoded when
// they are asked for.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"
#include "data/image_files.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

struct DataOptions;

/// One usable image of an open data set.
struct PhotoFile {
  ImageFile file;
  int label = 0;
  uint64_t content = 0;       // hash of the encoded bytes
  int height = 0, width = 0;  // as it stands, orientation applied
};

/// Photos as a data set: picture() reads and decodes a file each time. `channels` is what image_shape() says.
std::shared_ptr<const Dataset> photo_dataset(std::shared_ptr<const ImageFiles> files, std::vector<PhotoFile> photos,
                                             std::vector<std::string> classes, int channels);

/// The photos below `folder` as class folders; none if it has no images at all. A part for testing is that of
/// class_folders.hpp, or is split off by split_photos(). Error (bad data): see arrange() and find_images().
std::optional<DataSplit> open_photos(const fs::path& folder, const DataOptions& options);

/// The same for files that were found elsewhere (tar files).
DataSplit open_photos(std::shared_ptr<ImageFiles> files, const std::vector<std::string>& folders,
                      const std::string& name, const DataOptions& options);

/// Files whose labels are known from elsewhere, one for each; they serve evaluation only.
DataSplit open_labelled_photos(std::shared_ptr<ImageFiles> files, std::vector<int> labels,
                               std::vector<std::string> classes, const std::string& name, const DataOptions& options);

/// Dataset::hash of a photo.
uint64_t photo_hash(uint64_t content, int label);

}  // namespace resnet
