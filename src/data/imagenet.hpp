// ImageNet's 1,000 classes (ILSVRC 2012), and its validation images as they are published: a flat folder whose labels
// are in a list beside it.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

struct DataOptions;

struct ImagenetClass {
  std::string_view synset;  // "n01440764", as class folders are called
  int number;               // ILSVRC2012_ID of the development kit, 1 to 1000
  std::string_view name;    // "tench"; each is there once
};

/// In the order of the labels, which is that of the synsets.
std::span<const ImagenetClass> imagenet_classes();

/// "tench", "goldfish", ...: 1,000 names.
std::vector<std::string> imagenet_names();

/// The other name of a class: "tench" for "n01440764" and the reverse. None for any other text.
std::optional<std::string> other_imagenet_name(std::string_view name);

/// Images called ILSVRC2012_val_00000001.JPEG and so on, some or all of the 50,000, for evaluation only. The list is in
/// the folder, beside it, or in an ILSVRC2012_devkit_t12/data there: the development kit's
/// ILSVRC2012_validation_ground_truth.txt, val.txt ("FILE LABEL"), LOC_val_solution.csv, or one synset a line
/// (imagenet_2012_validation_synset_labels.txt). Classes are called by their synsets. None if no such image is there.
/// Error (bad data): there is no list, or an image is not in it.
std::optional<DataSplit> open_imagenet_validation(const fs::path& folder, const DataOptions& options);

}  // namespace resnet
