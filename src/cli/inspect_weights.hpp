// What `resnet inspect` prints of a file that holds weights but no structure.
#pragma once

#include "base/files.hpp"

namespace resnet::cli {

/// Lists tensors, other content and foreign objects. False, without printing, if the file has a structure of its own.
bool inspect_weights(const fs::path& path, bool json);

}  // namespace resnet::cli
