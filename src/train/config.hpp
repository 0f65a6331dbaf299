// config.toml of a run: everything that decides its numbers. Written before the first step, read back and checked by
// `resume` and `reproduce`.
#pragma once

#include "base/files.hpp"
#include "graph/passes.hpp"
#include "train/recipe.hpp"
#include "train/step_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace resnet {

/// The instruction set of runs on the reference backend.
inline constexpr const char* reference_kernels = "reference";

/// What one part of the data holds, so that other images under the same name are noticed.
struct ImagesIdentity {
  int64_t count = 0;
  std::string hash;  // of all pixels and labels in their order
  bool operator==(const ImagesIdentity&) const = default;
};

struct RunConfig {
  std::string model;        // its name
  std::string model_spec;   // as JSON, from models
  std::string data;         // what open_data takes
  double validation = 0.1;  // part split off where there are no test images
  double max_bad = 0.01;    // part of the images that may be unusable
  ImagesIdentity train, test;
  uint64_t seed = 0;
  StepOptions step;
  std::string instruction_set;   // what the kernels were chosen for
  std::string plan;              // a fingerprint of the implementations chosen for the training step
  int64_t checkpoint_every = 0;  // steps; decides no number, but a resumed run keeps it
  int64_t diagnose_every = 0;    // steps between samples of the network's health; 0: none. Likewise
  Recipe recipe;
  bool operator==(const RunConfig&) const = default;
};

std::string to_toml(const RunConfig& config);
/// The table [recipe] alone.
std::string to_toml(const Recipe& recipe);
/// Error (bad data): not TOML, a key that is unknown or missing, of another type or out of its range; names it.
RunConfig config_from_toml(const std::string& text, const std::string& where);

/// Reads the table [recipe] alone, with the same errors.
Recipe recipe_from_toml(const std::string& text, const std::string& where);

/// The first line of the table [recipe] in which `a` and `b` differ, as the two write it; none if they are equal.
std::optional<std::pair<std::string, std::string>> first_difference(const Recipe& a, const Recipe& b);

}  // namespace resnet
