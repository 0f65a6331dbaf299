#include "train/unchanged.hpp"

#include "base/error.hpp"
#include "models/model.hpp"
#include "train/split_file.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace resnet {
namespace {

void expect_same(const RunConfig& config, const char* part, const ImagesIdentity& stored, const Dataset& dataset,
                 const std::string& change) {
  const std::string first = change.empty() ? "" : text_of(" (", change, ")");
  if (dataset.size() != stored.count)
    fail_data(config.data, ": has ", dataset.size(), " images for ", part, ", the run was started with ", stored.count,
              first, "; restore the data");
  if (identity_of(dataset) != stored)
    fail_data(config.data, ": the images for ", part, " are not those that the run was started with", first,
              "; restore the data");
}

}  // namespace

ImagesIdentity identity_of(const Dataset& dataset) {
  uint64_t digest = 0xcbf29ce484222325;  // FNV-1a over the hashes of the images
  for (int64_t index = 0; index < dataset.size(); ++index) digest = (digest ^ dataset.hash(index)) * 0x100000001b3;
  return {.count = dataset.size(), .hash = fmt::format("{:016x}", digest)};
}

void expect_same_images(const RunConfig& config, const DataSplit& data, const RunDirectory& run) {
  const std::string change = first_change(run.split(), data);
  expect_same(config, "training", config.train, *data.train, change);
  expect_same(config, data.test_name == "test" ? "testing" : "validation", config.test, *data.test, change);
}

void expect_unedited(const RunConfig& config, const LoadedPosition& last, const RunDirectory& run, bool other_length) {
  const auto refuse = [&](const std::string& now, const std::string& before) {
    fail(run.config().string(), ": says '", now, "', but the run was trained with '", before,
         "'; restore the file (only the length can change, with --epochs)");
  };
  if (config.seed != last.position.seed)
    refuse(text_of("seed = ", config.seed), text_of("seed = ", last.position.seed));
  Recipe stored = last.recipe;
  if (other_length) {
    stored.epochs = config.recipe.epochs;
    stored.iterations = config.recipe.iterations;
  }
  if (const auto difference = first_difference(config.recipe, stored)) refuse(difference->first, difference->second);
}

void expect_same_training(const RunConfig& wanted, const RunConfig& there, const fs::path& run) {
  const auto expect = [&](const char* what, const std::string& here, const std::string& other) {
    if (here != other)
      fail_data(run.string(), ": is another training than the one wanted (", what, " '", other, "' there, '", here,
                "' wanted); move it away, or change the options");
  };
  const auto images = [](const ImagesIdentity& identity) {
    return fmt::format("{} images with hash {}", identity.count, identity.hash);
  };
  ModelSpec network = spec_from_json(there.model_spec), wanted_network = spec_from_json(wanted.model_spec);
  network.name = wanted_network.name;
  if (!(network == wanted_network)) expect("network", describe(wanted_network), describe(network));
  if (!(network == wanted_network)) expect("network", wanted.model_spec, there.model_spec);
  expect("seed", text_of(wanted.seed), text_of(there.seed));
  expect("precision", std::string(name_of(wanted.step.precision)), std::string(name_of(there.step.precision)));
  expect("data for training:", images(wanted.train), images(there.train));
  expect("data for testing:", images(wanted.test), images(there.test));
  Recipe recipe = there.recipe;
  recipe.name = wanted.recipe.name;
  if (const auto difference = first_difference(wanted.recipe, recipe))
    expect("recipe", difference->first, difference->second);
}

TrainingPosition continued(TrainingPosition position, int64_t steps, int64_t steps_per_epoch) {
  const auto refuse = [&](const char* reason) {
    fail_model("the counters of the training contradict each other: ", reason, " (epoch ", position.epoch, ", step ",
               position.step_in_epoch, " of ", steps_per_epoch, " in it, step ", position.step, " of ", steps, ")");
  };
  if (position.step > steps) refuse("more steps than the training has");
  if (position.step_in_epoch > steps_per_epoch || position.step_in_epoch > position.step)
    refuse("more steps in the epoch than it has");
  const int64_t before = position.step - position.step_in_epoch;  // this epoch; a short last one may have ended
  const int64_t epochs = before / steps_per_epoch, rest = before % steps_per_epoch;
  if (position.epoch != epochs + (rest > 0 ? 1 : 0) || (rest > 0 && position.step_in_epoch > 0))
    refuse("the epoch does not follow from the steps");
  if (rest > 0 && position.step < steps) {
    position.epoch = epochs;
    position.step_in_epoch = rest;
  }
  return position;
}

}  // namespace resnet
