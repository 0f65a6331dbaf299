// split.csv of a run on photos: which image was in which part, and what it held, so that a resumed run can say which
// file is not as it was.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"

#include <string>

namespace resnet {

/// Columns part, class, file, content (the hash of Dataset::hash).
void write_split(const fs::path& path, const DataSplit& data);

/// The first image that `path` and `data` differ in: "train/ants/1.jpg has changed", "... is missing", "... is new";
/// empty if they agree or there is no such file.
std::string first_change(const fs::path& path, const DataSplit& data);

}  // namespace resnet
