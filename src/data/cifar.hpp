// CIFAR-10 and CIFAR-100 in the binary version of their authors (Krizhevsky 2009): records of one label byte
// (CIFAR-100: coarse, then fine) and 3072 pixels, red, green and blue planes of 32x32.
#pragma once

#include "data/dataset.hpp"

#include <filesystem>
#include <optional>

namespace resnet {

struct DataOptions;

/// The CIFAR data set in `folder` or in its child cifar-10-batches-bin or cifar-100-binary; nothing if there is none.
/// Training or test files may be missing, and files may hold any whole number of records. Class names come from
/// batches.meta.txt or fine_label_names.txt. Error (bad data): a file cut short, a label without a class, two data
/// sets in one folder.
std::optional<DataSplit> open_cifar(const std::filesystem::path& folder, const DataOptions& options);

}  // namespace resnet
