// Downloaded archives. They are checked before, yet unpacked as if they were not.
#pragma once

#include "base/files.hpp"

#include <cstdint>

namespace resnet {

/// A .gz or .tgz file as `target`. Error (bad data): damaged, or more than `limit` bytes.
void decompress(const fs::path& archive, const fs::path& target, uint64_t limit);

/// The regular files of a .tar.gz as the folder `target`, which appears when it is whole. Links and devices are left
/// out, and the slash before absolute names. Error (bad data): damaged, more than `limit` bytes, or a name that leads
/// upwards.
void unpack_tar_gz(const fs::path& archive, const fs::path& target, uint64_t limit);

}  // namespace resnet
