// Which photos are kept for validation where a folder has no parts of its own. Three wishes meet here: every class in
// both parts, the same share of each class, and no photo that changes sides when others are added. A function of the
// photo alone (the hash of its content below the share) grants the last two, the shares up to chance; no rule without a
// memory grants the first as well, since a class of one photo has to decide before it knows of the next. So the
// rule is the hash, and where it leaves one part of a class empty, one photo moves over: only those of such small
// classes may come back when the class grows. split.csv is the memory: with it every photo stays where it was.
#pragma once

#include "base/files.hpp"
#include "data/photos.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace resnet {

/// Whether a photo with this content is kept for validation by the rule of the hash.
bool is_for_validation(uint64_t content, double fraction);

/// What split.csv of a run says (train/split_file.hpp writes it).
class SavedSplit {
 public:
  /// Error (bad data), naming `where` and the line: no such table.
  SavedSplit(std::string_view text, const std::string& where);
  static SavedSplit read(const fs::path& file);

  /// Whether a photo was in the part for validation; none if it is new. It is told by class and content, whatever its
  /// name.
  std::optional<bool> validates(const std::string& class_name, uint64_t content) const;
  /// Whether image `index` of `dataset`, which has the same classes, was trained on.
  bool trained_on(const Dataset& dataset, int64_t index) const;
  const std::vector<std::string>& classes() const { return classes_; }

 private:
  std::vector<std::string> classes_;              // as their labels count them
  std::unordered_map<uint64_t, bool> validates_;  // by Dataset::hash
};

struct PhotoSplit {
  std::vector<PhotoFile> train, validation;  // in the order of the whole
  /// Classes that validation sees nothing of.
  std::vector<std::string> not_validated;
};

/// Cuts `photos` in two. `saved` may be null. A class without both parts gets one photo of the other, that with the
/// smallest (for training the largest) hash, together with its exact copies, unless `saved` holds it where it is;
/// training comes first. Error (usage): a fraction outside (0, 1). Error (bad data): a class is left without images for
/// training, or nothing is left for validation.
PhotoSplit split_photos(std::vector<PhotoFile> photos, const std::vector<std::string>& classes, double fraction,
                        const SavedSplit* saved);

}  // namespace resnet
