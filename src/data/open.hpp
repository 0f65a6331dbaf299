// The one door to data: a name or a folder becomes a DataSplit. A new kind of data set is one file and one row here.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"

#include <cstdint>
#include <string>

namespace resnet {

struct DataOptions {
  /// Seed of generated data sets. It is not the seed of the training, so that runs with different seeds, and a later
  /// evaluation, see the same images; `?seed=` in the name overrides it.
  uint64_t seed = 0;
  /// Threads that generate; 0: one for each available core. The data do not depend on it.
  int threads = 0;
  /// The part of the training images that becomes the validation part where there are no test images. 1: all images are
  /// for evaluation, and none for training.
  double validation = 0.1;
  /// For photos: split.csv of an earlier run, whose images stay in their parts. Data with parts of their own ignore it.
  fs::path split = {};
};

/// Opens `spec`:
///   builtin:shapes[?train=16000&test=4000&seed=0]
///   builtin:patterns[?size=8&noise=0.1&count=3000&jitter=0&seed=0]   (count for training, a quarter of it for testing)
///   a folder of class folders with images, with or without train/ and val/ or test/ above them
///   a .tar file of class folders or of WebDataset's pairs, or a folder of such files
///   ImageNet's validation images in one flat folder, with the list of their labels in it or beside it
///   a folder with MNIST's or Fashion-MNIST's idx files, plain or .gz
///   a CIFAR-10 or CIFAR-100 binary folder, or the folder that holds cifar-10-batches-bin or cifar-100-binary
/// Error (usage): an unknown builtin or option. Error (bad data): a missing folder, not a data set, damaged files.
DataSplit open_data(const std::string& spec, const DataOptions& options = {});

}  // namespace resnet
