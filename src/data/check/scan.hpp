// One image at a time: what its bytes hold, and its fingerprint.
#pragma once

#include "data/check/fingerprint.hpp"
#include "data/check/problem.hpp"
#include "data/decode.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace resnet {

struct ScannedImage {
  /// No image at all, by name and content: left out of everything else.
  bool is_image = true;
  /// What concerns this image alone, with details.
  std::vector<std::pair<Problem, std::string>> problems = {};
  /// As it stands after orientation.
  int height = 0, width = 0;
  bool stored_grey = false;
  /// None if it cannot be decoded.
  std::optional<Fingerprint> fingerprint = {};
};

/// `path` is read and decoded, with the damage that decoders usually hide being looked for.
ScannedImage scan_file(const std::string& path, const ImageLimits& limits);

/// A picture that was read otherwise.
ScannedImage scan_image(const Image& image);

}  // namespace resnet
