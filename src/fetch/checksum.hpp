// SHA-256, by which a downloaded file is known to be the published one.
#pragma once

#include "base/files.hpp"

#include <string>

namespace resnet {

/// Of a file's content, 64 lower-case hexadecimal digits. Error (bad data): it cannot be read.
std::string sha256_of_file(const fs::path& path);

}  // namespace resnet
