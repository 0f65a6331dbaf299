// Whether two networks are one: their answers to the same images, side by side, and where they part.
#pragma once

#include "formats/open_model.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace resnet {

struct CompareRequest {
  std::string a, b;  // files or run directories
  OpenOptions open_a = {}, open_b = {};
  std::string data = {};  // what open_data takes; empty: random images
  int64_t images = 100;
  uint64_t seed = 0;
  int threads = 0;
};

struct Comparison {
  int64_t images = 0;
  double max_difference = 0, mean_difference = 0;  // of the logits, absolute
  double scale = 0;                                // the largest absolute logit of A
  double agreement = 0;                            // part of the images with the same first class
  /// With batch norms folded, the two have the same layers in the same order; then the first whose outputs differ by
  /// more than 1e-4 of A's largest one there, or none.
  bool same_structure = false;
  std::optional<std::string> parts_at = {};
  double layer_difference = 0;  // there, as a part of A's largest output
  /// Of the logits as a part of the largest one.
  double relative() const { return scale > 0 ? max_difference / scale : max_difference; }
};

/// Runs both on the first `images` images of the data's test part, each with its own preprocessing (A's, where B has
/// none), or on images of normally distributed numbers, the same for both. Weights alone take B's or A's structure
/// where no or several networks of the zoo fit. Error (bad model): they take images of different size or have another
/// number of classes.
Comparison compare_models(const CompareRequest& request);

}  // namespace resnet
