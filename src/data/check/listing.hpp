// The files of a folder of class folders, also those that are no images. Which folder is a class and which a split
// follows the rules of training: train, val, validation and test are splits if they hold folders.
#pragma once

#include "base/files.hpp"

#include <string>
#include <vector>

namespace resnet {

struct ListedFile {
  std::string name;  // relative to the folder that was named, with '/'
  int split = 0, label = 0;
};

struct Listing {
  std::vector<std::string> splits;   // train, val, validation, test as far as there are; else one empty name
  std::vector<std::string> classes;  // sorted by bytes, of all splits together
  std::vector<ListedFile> files;     // by split, class and name
  std::vector<std::string> outside;  // images, and folders with images, that belong to no class
};

/// Error (bad data): the folder or one below it cannot be read.
Listing list_folder(const fs::path& folder);

}  // namespace resnet
