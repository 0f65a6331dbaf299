// How raw 8-bit pixels become what a network sees. Stored in the model file and used by training, evaluation and
// prediction alike, so the three cannot differ.
#pragma once

#include <string>
#include <vector>

namespace resnet {

struct Preprocessing {
  int channels = 3;
  int height = 32;
  int width = 32;
  /// Per channel, on pixels scaled to [0, 1]: y = (x / 255 - mean) / deviation.
  std::vector<float> mean = {0, 0, 0};
  std::vector<float> deviation = {1, 1, 1};

  bool operator==(const Preprocessing&) const = default;
};

/// As one JSON object, for a model file's metadata.
std::string to_json_text(const Preprocessing& preprocessing);

/// The inverse. Error (bad model): a field is missing, of the wrong type or size, or a deviation is not positive.
Preprocessing preprocessing_from_json(const std::string& text);

}  // namespace resnet
