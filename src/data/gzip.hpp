// Files that may be compressed with gzip (RFC 1952).
#pragma once

#include "base/files.hpp"

#include <cstdint>
#include <string>

namespace resnet {

/// The content of a .gz file, or of any other file as it is. Error (bad data), naming the file: damaged, cut short, or
/// more than `limit` bytes when unpacked.
std::string read_maybe_gzip(const fs::path& path, uint64_t limit);

}  // namespace resnet
