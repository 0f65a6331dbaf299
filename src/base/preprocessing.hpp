// How raw 8-bit pixels become what a network sees. Stored in the model file and used by training, evaluation and
// prediction alike, so the three cannot differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// How pictures change their size. bilinear: a triangle; bicubic: Keys 1981 with a = -0.5. Both are widened by the
/// scale when a picture shrinks (Pillow's antialiased filters).
enum class Filter { bilinear, bicubic };

/// "bilinear", "bicubic"
std::string_view name_of(Filter filter);
/// The inverse. Error (usage): neither of them.
Filter filter_from_name(std::string_view name);

struct Preprocessing {
  int channels = 3;
  int height = 32;
  int width = 32;
  /// The shorter side of a picture becomes this long before height x width are cut out of its centre. 0: made for
  /// images that have the right size; a picture of another size is then resized so that its centre just fills height x
  /// width.
  int resize = 0;
  Filter filter = Filter::bilinear;
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
