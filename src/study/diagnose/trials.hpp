// What a diagnosis tries out: the same images in the forms that loaders mistake for each other, and the first steps of
// a training, taken on a copy of the weights.
#pragma once

#include "base/preprocessing.hpp"
#include "data/loader.hpp"
#include "models/model.hpp"
#include "runtime/executable.hpp"
#include "runtime/state.hpp"
#include "train/recipe.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace resnet {

/// One way to show images [N, C, H, W] that are normalised.
struct PictureForm {
  std::string_view name;  // "with the pixels inverted"
  bool (*fits)(const Shape& images);
  void (*change)(const Preprocessing& normalised, Tensor& images);
};
std::span<const PictureForm> picture_forms();

/// What the beginning of the recipe does.
struct FirstSteps {
  int64_t steps = 0;  // 0: they were not taken
  double loss = 0;    // of the same batches afterwards; not a number or infinite if the steps have thrown it off
  double growth = 1;  // of the weights of the median layer, as a factor
};

/// The recipe's beginning on these batches, one after the other: its warm-up, or its gentle start, is cut short to
/// `steps` steps, at whose end the rate is the peak; a recipe without begins at the peak.
FirstSteps take_first_steps(const ModelSpec& spec, const Recipe& recipe, const State& state, uint64_t seed,
                            std::span<const Batch> batches, int64_t steps, const CompileOptions& options);

}  // namespace resnet
