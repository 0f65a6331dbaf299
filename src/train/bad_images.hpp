// The images of a run that cannot be used: each is named once, counted, and written down in bad_files.csv; too many of
// them end the run.
#pragma once

#include "base/files.hpp"
#include "data/dataset.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace resnet {

class BadImages {
 public:
  /// At most the part `allowed` of `images`, rounded up, may be bad; `data` names them in messages.
  BadImages(std::string data, double allowed, int64_t images);

  /// Lines go to `file` from now on; those that are there are known already.
  void keep_in(const fs::path& file);

  /// Error (bad data): there are more than allowed.
  void add(std::span<const BadImage> images);

  int64_t count() const { return static_cast<int64_t>(reasons_.size()); }

 private:
  void name(const BadImage& image);

  std::string data_;
  double allowed_;
  int64_t limit_;
  fs::path file_;
  std::map<std::string, std::string> reasons_;  // by file
};

}  // namespace resnet
