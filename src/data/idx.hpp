// MNIST and Fashion-MNIST (LeCun et al. 1998; Xiao et al. 2017) as their authors publish them: idx files, plain or .gz.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"

#include <optional>

namespace resnet {

struct DataOptions;

/// A folder with train-images-idx3-ubyte and train-labels-idx1-ubyte, t10k-... of the same kind, or both; each may end
/// in .gz. None if there is no such file. Fashion-MNIST is told by its first labels, which names its classes. Error
/// (bad data): damaged or cut short, counts or labels that do not fit.
std::optional<DataSplit> open_idx(const fs::path& folder, const DataOptions& options);

}  // namespace resnet
