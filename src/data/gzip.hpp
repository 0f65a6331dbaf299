// Files that may be compressed with gzip (RFC 1952).
#pragma once

#include "base/files.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace resnet {

/// The content of a .gz file, or of any other file as it is. Error (bad data), naming the file: damaged, cut short, or
/// more than `limit` bytes when unpacked.
std::string read_maybe_gzip(const fs::path& path, uint64_t limit);

/// Unpacks a gzip file piece by piece. Error (bad data), naming the file: as above.
void unpack_gzip(const fs::path& path, uint64_t limit, const std::function<void(std::string_view)>& piece);

}  // namespace resnet
