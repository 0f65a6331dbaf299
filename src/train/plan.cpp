#include "train/plan.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "data/prepare.hpp"
#include "formats/open_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

namespace resnet {
namespace {

/// Photos up to this side are trained on as they are, by the networks for CIFAR.
constexpr int small_side = 96;
/// From so many photos on there is enough to learn from to pay for ImageNet's size.
constexpr int64_t many_photos = 5'000;

/// Choices for photos, before the user's own.
struct PhotoChoice {
  std::string model;
  int size = 224, resize = 256;
  std::string why;
};

int rounded(double value) { return static_cast<int>(std::lround(value)); }

PhotoChoice choose_network(const PhotoSizes& sizes, int64_t count) {
  if (sizes.median <= small_side) {
    const int size = sizes.equal ? std::max(sizes.height, sizes.width) : sizes.median <= 48 ? 32 : 64;
    return {.model = "resnet20",
            .size = size,
            .resize = sizes.equal ? std::min(sizes.height, sizes.width) : size,
            .why = sizes.equal ? fmt::format("all photos are {}x{}", sizes.height, sizes.width)
                               : fmt::format("the median shorter side is {} px", sizes.median)};
  }
  const int size = count >= many_photos ? 224 : 128;
  return {.model = "resnet18",
          .size = size,
          .resize = rounded(size * 256.0 / 224),
          .why = fmt::format("the median shorter side is {} px and {} {}", sizes.median, plural(count, "photo"),
                             count == 1             ? "is little"
                             : count >= many_photos ? "are many"
                                                    : "are few")};
}

/// Batches of 8 to 128 images, so that an epoch has some twenty steps; 10 to 60 epochs, so that there are some thousand
/// steps; a rate in proportion to the batch.
Recipe choose_recipe(const DataSplit& data, bool small) {
  Recipe recipe = find_recipe("photos");
  const int64_t count = data.train->size();
  const auto largest = static_cast<uint64_t>(small ? 128 : 64);
  recipe.batch = static_cast<int64_t>(
      std::clamp<uint64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(count / 20, 1))), 8, largest));
  recipe.batch = std::min(recipe.batch, count);
  const int64_t steps = std::max<int64_t>(count / recipe.batch, 1);
  recipe.epochs = std::clamp<int64_t>(1000 / steps, 10, 60);
  recipe.schedule.peak *= static_cast<double>(recipe.batch) / 32;
  return recipe;
}

/// Small pictures are moved by an eighth of their side, large ones show a random part; grey ones are not mirrored,
/// since many are digits, letters or scans.
void choose_augmentation(Recipe& recipe, const PhotoChoice& choice, const DataSplit& data, bool small) {
  recipe.augmentation.pad = small ? std::max(1, choice.size / 8) : 0;
  recipe.augmentation.resized_crop = small ? 0 : 0.25;
  recipe.augmentation.flip = data.train->image_shape()[0] > 1;
}

/// Of at most 500 pictures, evenly spread over the training images.
void measure_grey(const DataSplit& data, Preprocessing& preprocessing) {
  constexpr int64_t most = 500;
  const std::shared_ptr<const Dataset> whole = prepared(data.train, preprocessing);
  const int64_t count = std::min(most, whole->size());
  std::vector<uint8_t> pixels(static_cast<std::size_t>(whole->image_shape().elements()));
  std::vector<int64_t> readable;
  for (int64_t k = 0; k < count; ++k) try {
      const int64_t index = k * whole->size() / count;
      whole->read(index, pixels);
      readable.push_back(index);
    } catch (const Error& error) {
      if (error.code() != ExitCode::bad_data) throw;  // a bad image: the training names it
    }
  const Preprocessing measured = computed_preprocessing(*subset(whole, readable));
  preprocessing.mean = measured.mean;
  preprocessing.deviation = measured.deviation;
}

Preprocessing changed(Preprocessing preprocessing, const PreprocessingChanges& changes) {
  if (changes.size) {
    preprocessing.height = preprocessing.width = *changes.size;
    preprocessing.resize = *changes.size > small_side ? rounded(*changes.size * 256.0 / 224) : *changes.size;
  }
  if (changes.resize) preprocessing.resize = *changes.resize;
  if (changes.filter) preprocessing.filter = *changes.filter;
  if (preprocessing.resize > 0 && preprocessing.resize < std::max(preprocessing.height, preprocessing.width))
    fail_usage("--resize: a shorter side of ", preprocessing.resize, " leaves no room for an input of ",
               preprocessing.height, "x", preprocessing.width, "; choose a larger --resize or a smaller --size");
  return preprocessing;
}

ModelSpec spec_for(const TrainRequest& request, const std::string& model, const DataSplit& data,
                   const Preprocessing& preprocessing) {
  ModelOptions options = request.model_options;
  options.classes = static_cast<int>(data.train->classes().size());
  options.input = ImageSize{preprocessing.channels, preprocessing.height, preprocessing.width};
  if (request.spec) return with_ends(*request.spec, *options.classes, *options.input);
  if (path_exists(model)) return with_ends(structure_of(model, {}), *options.classes, *options.input);
  return find_model(model, options);
}

/// The network of the file for the classes and the input at hand.
ModelSpec spec_of(const ModelInfo& weights, const DataSplit& data, const Preprocessing& preprocessing) {
  return with_ends(weights.spec, static_cast<int>(data.train->classes().size()),
                   {preprocessing.channels, preprocessing.height, preprocessing.width});
}

/// What was left open and is chosen here, with the options that change it; nothing of what the user or the weights
/// said.
std::string reason_of(const TrainRequest& request, const TrainingPlan& plan, const DataSplit& data,
                      const PhotoChoice& choice, bool with_weights) {
  const Preprocessing& p = plan.info.preprocessing;
  const bool network = request.model.empty() && !with_weights, size = !request.preprocessing.size && !with_weights;
  std::vector<std::string> chosen;
  if (network && size)
    chosen.push_back(fmt::format("{} at {}x{} (--model, --size)", plan.info.spec.name, p.height, p.width));
  else if (network)
    chosen.push_back(plan.info.spec.name + " (--model)");
  else if (size)
    chosen.push_back(fmt::format("an input of {}x{} (--size)", p.height, p.width));
  if (request.choose_recipe) {
    const RecipeChanges& changes = *request.choose_recipe;
    const Recipe& recipe = plan.recipe;
    if (!changes.epochs && !changes.iterations) chosen.push_back(plural(recipe.epochs, "epoch") + " (--epochs)");
    if (!changes.batch) chosen.push_back(fmt::format("batches of {} (--batch)", recipe.batch));
    if (!changes.lr) chosen.push_back(fmt::format("a learning rate of {:g} (--lr)", recipe.schedule.peak));
    if (changes.augmentation == AugmentationChanges{}) chosen.push_back(describe(recipe.augmentation));
  }
  if (chosen.empty()) return {};
  return fmt::format("{}, {} for training: {}; chosen for them: {}", plural(plan.info.classes.size(), "class"),
                     plural(data.train->size(), "photo"), choice.why, fmt::join(chosen, ", "));
}

TrainingPlan plan_photos(const TrainRequest& request, const DataSplit& data, const ModelInfo* weights) {
  PhotoChoice choice = choose_network(*data.sizes, data.train->size());
  Preprocessing preprocessing = data.preprocessing;
  const bool from_weights = weights && request.model.empty();
  if (weights) {
    preprocessing = weights->preprocessing;
    preprocessing.resize = resized_side(preprocessing);
  } else {
    preprocessing.height = preprocessing.width = choice.size;
    preprocessing.resize = std::max(choice.resize, choice.size);
  }
  preprocessing = changed(preprocessing, request.preprocessing);
  if (!weights && preprocessing.channels == 1) measure_grey(data, preprocessing);
  choice.size = std::max(preprocessing.height, preprocessing.width);
  TrainingPlan plan{
      .info = {.spec = from_weights ? spec_of(*weights, data, preprocessing)
                                    : spec_for(request, request.model.empty() ? choice.model : request.model, data,
                                               preprocessing),
               .classes = data.train->classes(),
               .preprocessing = preprocessing},
      .recipe = request.recipe};
  if (request.choose_recipe) {
    const bool small = choice.size <= small_side;
    plan.recipe = choose_recipe(data, small);
    choose_augmentation(plan.recipe, choice, data, small);
    plan.recipe = changed(plan.recipe, *request.choose_recipe);
  }
  plan.reason = reason_of(request, plan, data, choice, weights != nullptr);
  return plan;
}

}  // namespace

TrainingPlan plan_training(const TrainRequest& request, const DataSplit& data, const ModelInfo* weights) {
  if (data.sizes) return plan_photos(request, data, weights);
  const PreprocessingChanges& changes = request.preprocessing;
  if (changes.size || changes.resize || changes.filter)
    fail_usage("--size: the images of ", data.name,
               " have one size and are not resized; leave out --size, --resize and "
               "--filter");
  const Preprocessing& preprocessing = data.preprocessing;
  const std::string model = request.model.empty() ? "resnet20" : request.model;
  return {.info = {.spec = weights && request.model.empty() ? spec_of(*weights, data, preprocessing)
                                                            : spec_for(request, model, data, preprocessing),
                   .classes = data.train->classes(),
                   .preprocessing = preprocessing},
          .recipe = request.recipe};
}

}  // namespace resnet
