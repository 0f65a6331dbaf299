#include "train/recipe.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace resnet {

std::span<const Recipe> recipes() {
  static const std::array<Recipe, 3> table = {{
      {.name = "short",
       .summary = "10 epochs: warm-up to 0.2, then cosine to 0; Nesterov momentum",
       .epochs = 10,
       .schedule = {.kind = ScheduleKind::cosine, .peak = 0.2, .warmup = 0.1},
       .momentum = 0.9,
       .nesterov = true,
       .weight_decay = 5e-4},
      // He et al. 2015, section 4.2.
      {.name = "paper-cifar",
       .summary = "He et al. 2015 on CIFAR: 64,000 steps of 128 images, 0.1 divided by 10 at 32,000 and 48,000",
       .epochs = 0,
       .iterations = 64'000,
       .schedule = {.kind = ScheduleKind::step, .peak = 0.1, .milestones = {0.5, 0.75}, .factor = 0.1},
       .gentle = {.lr = 0.01, .until_error = 0.8, .from_depth = 110},
       .momentum = 0.9,
       .weight_decay = 1e-4},
      {.name = "photos",
       .summary = "for folders of photos: warm-up to 0.05, then cosine to 0; label smoothing; length and batch by the "
                  "number of images",
       .epochs = 30,
       .batch = 32,
       .schedule = {.kind = ScheduleKind::cosine, .peak = 0.05, .warmup = 0.1},
       .momentum = 0.9,
       .nesterov = true,
       .weight_decay = 5e-4,
       .label_smoothing = 0.1,
       .augmentation = {.pad = 0, .resized_crop = 0.25}},
  }};
  return table;
}

const Recipe& find_recipe(std::string_view name) {
  std::string known;
  for (const Recipe& recipe : recipes()) {
    if (recipe.name == name) return recipe;
    known += (known.empty() ? "" : ", ") + recipe.name;
  }
  fail_usage("--recipe: unknown name '", name, "'; there are ", known);
}

bool is_balanced(std::string_view sampling) {
  if (sampling != "balanced" && sampling != "shuffled")
    fail_usage("--sampling: expected shuffled or balanced, got '", sampling, "'");
  return sampling == "balanced";
}

std::string to_text(const StageRate& rate) { return text_of(rate.stage, "=", rate.factor); }

StageRate stage_rate_from(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  StageRate rate{text.substr(0, equals), 0};
  const char* begin = text.data() + std::min(equals, text.size() - 1) + 1;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), rate.factor);
  if (equals == std::string::npos || rate.stage.empty() || error != std::errc() || end != text.data() + text.size())
    fail_usage("--stage-lr: expected STAGE=FACTOR, as in layer4=0.1, got '", text, "'");
  return rate;
}

Recipe changed(Recipe recipe, const RecipeChanges& changes) {
  if (changes.epochs && changes.iterations) fail_usage("give either --epochs or --iterations, not both");
  if (changes.epochs) {
    recipe.epochs = *changes.epochs;
    recipe.iterations = 0;
  }
  if (changes.iterations) {
    recipe.iterations = *changes.iterations;
    recipe.epochs = 0;
  }
  const auto set = [](auto& field, const auto& change) {
    if (change) field = *change;
  };
  set(recipe.batch, changes.batch);
  set(recipe.schedule.peak, changes.lr);
  set(recipe.momentum, changes.momentum);
  set(recipe.weight_decay, changes.weight_decay);
  set(recipe.label_smoothing, changes.label_smoothing);
  set(recipe.schedule.warmup, changes.warmup);
  set(recipe.freeze, changes.freeze);
  set(recipe.stage_lr, changes.stage_lr);
  if (changes.schedule) recipe.schedule.kind = schedule_kind(*changes.schedule);
  recipe.augmentation = changed(recipe.augmentation, changes.augmentation);
  if (changes.sampling) recipe.balanced_sampling = is_balanced(*changes.sampling);
  set(recipe.class_weights, changes.class_weights);
  set(recipe.nesterov, changes.nesterov);
  set(recipe.decay_all, changes.decay_all);
  if (recipe.momentum == 0 && !changes.nesterov) recipe.nesterov = false;  // Nesterov's look-ahead along no momentum
  check(recipe);
  return recipe;
}

namespace {

void check_range(std::string_view field, double value, double low, double high) {
  if (!(value >= low && value <= high)) fail_usage(field, " must lie between ", low, " and ", high, ", got ", value);
}

void check_length(const Recipe& recipe) {
  constexpr int64_t limit = 1'000'000'000;
  const bool one = (recipe.epochs > 0) != (recipe.iterations > 0);
  if (!one || recipe.epochs < 0 || recipe.iterations < 0 || recipe.epochs > limit || recipe.iterations > limit)
    fail_usage("expected --epochs or --iterations to be 1 to ", limit, " and the other 0, got epochs ", recipe.epochs,
               ", iterations ", recipe.iterations);
  if (recipe.batch < 1 || recipe.batch > 1'000'000) fail_usage("--batch must be 1 to 1000000, got ", recipe.batch);
}

}  // namespace

void check(const Recipe& recipe) {
  check_length(recipe);
  const Schedule& schedule = recipe.schedule;
  if (!(schedule.peak > 0) || !std::isfinite(schedule.peak)) fail_usage("--lr must be positive, got ", schedule.peak);
  check_range("--warmup", schedule.warmup, 0, 1);
  check_range("recipe: factor", schedule.factor, 0, 1);
  for (const double milestone : schedule.milestones) check_range("recipe: milestones", milestone, 0, 1);
  if (!std::ranges::is_sorted(schedule.milestones)) fail_usage("recipe: milestones must ascend");
  check_range("recipe: gentle_lr", recipe.gentle.lr, 0, 1e30);
  check_range("recipe: gentle_until_error", recipe.gentle.until_error, 0, 1);
  check_range("recipe: gentle_from_depth", recipe.gentle.from_depth, 0, 1e9);
  check_range("--momentum", recipe.momentum, 0, 1);
  check_range("--weight-decay", recipe.weight_decay, 0, 1e6);
  check_range("--label-smoothing", recipe.label_smoothing, 0, 0.999);
  check(recipe.augmentation);
  for (const StageRate& rate : recipe.stage_lr) check_range("--stage-lr of " + rate.stage, rate.factor, 0, 1e6);
  if (recipe.nesterov && recipe.momentum == 0) fail_usage("--nesterov needs a --momentum above 0");
}

int64_t total_steps(const Recipe& recipe, int64_t steps_per_epoch) {
  return recipe.iterations > 0 ? recipe.iterations : recipe.epochs * steps_per_epoch;
}

}  // namespace resnet
