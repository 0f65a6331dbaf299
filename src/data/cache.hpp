// Decoded photos on disk, so that later epochs and runs need not decode them: one file for a data set, mapped into
// memory. The cache changes no pixel. Its entries belong to the content of the source files, so a photo that changes is
// decoded anew; the file appears under its name only when it is whole, so a crash leaves the earlier one or none.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"

#include <memory>
#include <string>

namespace resnet {

/// Where caches lie if the user names no place: $XDG_CACHE_HOME/resnet or ~/.cache/resnet. Error (usage): neither is
/// known.
fs::path default_cache_folder();

/// The file in `folder` for the data at `source`.
fs::path cache_file(const fs::path& folder, const std::string& source);

/// The parts of `data` with their photos in the cache at `file`, which is written first unless it holds them all; what
/// an earlier cache holds is taken from it. Data of one size stay as they are. Where the cache cannot be written (a
/// full disk), a warning says so and `data` come back without it. Only one process writes a cache; others wait for it.
/// Error (interrupted): Ctrl-C while it is written.
DataSplit with_cache(DataSplit data, const fs::path& file, int threads);

}  // namespace resnet
