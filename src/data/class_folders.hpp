// Which class and which part a file belongs to, from its relative name alone: CLASS/... or PART/CLASS/..., for folders
// and for tar files alike.
#pragma once

#include <string>
#include <vector>

namespace resnet {

/// The files of one part.
struct ClassifiedFiles {
  std::vector<std::size_t> files;  // indices into the names, sorted by class, then as given
  std::vector<int> labels;         // of each of them
};

struct ClassFolders {
  std::vector<std::string> classes;  // sorted by bytes
  ClassifiedFiles train, test;       // empty if there is no such part
  /// "test", "val" or "validation", as the folder is called; empty if there is no such part.
  std::string test_folder;
  /// What the user should know (a class without images), one line each.
  std::vector<std::string> notes;
};

/// `names`: relative names of images; `folders`: relative names of all folders, for those that hold none. Parts are
/// folders called train, val, validation or test that hold folders; all others are classes. Classes of a test part are
/// matched with those of the training part by name. Error (bad data): no class folders, one class only, a class of the
/// test part that the training part has not, both val and validation.
ClassFolders arrange(const std::vector<std::string>& names, const std::vector<std::string>& folders);

}  // namespace resnet
