// Looks at every image of a data set before it is trained on: what cannot be read, what is there twice, what leaks from
// one split into another, what is missing. Nothing is changed.
#pragma once

#include "base/files.hpp"
#include "data/check/problem.hpp"
#include "data/dataset.hpp"
#include "data/decode.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace resnet {

struct CheckOptions {
  /// 0: one for each available core. The result does not depend on it.
  int threads = 0;
  ImageLimits limits = {};
  /// Called now and then, always from the calling thread, with the images looked at so far of all.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// One image of the data set.
struct CheckedImage {
  /// Relative to the folder; "train 17" for a set that is no folder of files.
  std::string name;
  int split = 0, label = 0;
  /// As it stands after orientation; 0 if it could not be read.
  int height = 0, width = 0;
  /// One channel in the file.
  bool stored_grey = false;
};

struct CheckResult {
  /// Split names ("" if the folder has none) and class names, in the order of indices.
  std::vector<std::string> splits, classes;
  std::vector<CheckedImage> images;
  /// Ordered by problem, then by first image.
  std::vector<Finding> findings;

  /// [splits, classes] readable and unreadable images together.
  std::vector<std::vector<int64_t>> counts() const;
  bool has(Severity severity) const;
};

/// A folder of class folders, or of train, val, validation, test that hold such. Images in folders below a class folder
/// belong to it. Memory: a file and its picture for each thread, and some 500 bytes for each image. Error (bad data):
/// no such folder, or no images in it. Error (interrupted).
CheckResult check_folder(const fs::path& folder, const CheckOptions& options);

/// Images that open_data has read or generated: without what only files can have.
CheckResult check_dataset(const DataSplit& data, const CheckOptions& options);

/// Whether `folder` holds class folders with image files, so that check_folder is what it wants.
bool holds_image_files(const fs::path& folder);

/// Images that are better removed before training, ascending: those that are empty, unreadable or damaged, all copies
/// of a picture that stands in several classes, and otherwise all copies of a picture but the one that may stay (in the
/// last split, so that what evaluation uses stays whole).
struct Removal {
  int64_t image = 0;
  Problem problem = Problem::unreadable;
  std::string reason;
};
std::vector<Removal> removals(const CheckResult& result);

}  // namespace resnet
