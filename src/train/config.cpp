#include "train/config.hpp"

#include "base/error.hpp"
#include "models/model.hpp"
#include "train/config_section.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <sstream>
#include <utility>
#include <vector>

namespace resnet {
namespace {

constexpr int64_t format_version = 1;

/// A TOML string: literal where that is possible, as it reads better for JSON.
std::string quoted(const std::string& text) {
  const bool plain = text.find_first_of("'\n\r\t") == std::string::npos &&
                     text.find_first_not_of(
                         " !\"#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                         "abcdefghijklmnopqrstuvwxyz{|}~") == std::string::npos;
  if (plain && text.find('"') != std::string::npos) return "'" + text + "'";
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    fail_usage("'", text, "' is not UTF-8 text and cannot be stored in config.toml; rename it");
  }
}

std::string real(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/// Runs from before a key was known have none of what it stands for.
Augmentation read_augmentation(Section& section) {
  Augmentation read{.pad = section.small("pad"), .flip = section.flag("flip")};
  if (section.has("random_resized_crop")) read.resized_crop = section.number("random_resized_crop");
  if (section.has("scaled_decoding")) read.scaled_decoding = section.flag("scaled_decoding");
  if (section.has("randaugment")) {
    const std::vector<double> numbers = section.numbers("randaugment", 2);
    read.randaugment_count = static_cast<int>(numbers[0]);
    read.randaugment_level = static_cast<int>(numbers[1]);
  }
  if (section.has("trivial_augment")) read.trivial = section.flag("trivial_augment");
  if (section.has("colour_jitter")) {
    const std::vector<double> numbers = section.numbers("colour_jitter", 4);
    read.jitter = {numbers[0], numbers[1], numbers[2], numbers[3]};
  }
  if (section.has("lighting")) read.lighting = section.number("lighting");
  if (section.has("random_erasing")) read.erasing = section.number("random_erasing");
  if (section.has("mixup")) read.mixup = section.number("mixup");
  if (section.has("cutmix")) read.cutmix = section.number("cutmix");
  return read;
}

std::string to_toml(const Augmentation& augmentation) {
  const ColourJitter& jitter = augmentation.jitter;
  return fmt::format(
      "pad = {}\n"
      "flip = {}\n"
      "random_resized_crop = {}  # smallest part of the area; 0: none\n"
      "scaled_decoding = {}  # of JPEGs for the resized crop\n"
      "randaugment = [{}, {}]  # operators for an image, their level of 0 to 30\n"
      "trivial_augment = {}\n"
      "colour_jitter = [{}, {}, {}, {}]  # of brightness, contrast, saturation and hue\n"
      "lighting = {}\n"
      "random_erasing = {}\n"
      "mixup = {}\n"
      "cutmix = {}\n",
      augmentation.pad, augmentation.flip, real(augmentation.resized_crop), augmentation.scaled_decoding,
      augmentation.randaugment_count, augmentation.randaugment_level, augmentation.trivial, real(jitter.brightness),
      real(jitter.contrast), real(jitter.saturation), real(jitter.hue), real(augmentation.lighting),
      real(augmentation.erasing), real(augmentation.mixup), real(augmentation.cutmix));
}

/// As above, runs from before `freeze`, `stage_lr`, `sampling` and `class_weights` have none of them.
Recipe read_recipe(Section section) {
  Recipe recipe;
  recipe.name = section.text("name");
  for (const Recipe& known : recipes())
    if (known.name == recipe.name) recipe.summary = known.summary;
  recipe.epochs = section.integer("epochs");
  recipe.iterations = section.integer("iterations");
  recipe.batch = section.integer("batch");
  recipe.schedule = {.kind = schedule_kind(section.text("schedule")),
                     .peak = section.number("lr"),
                     .warmup = section.number("warmup"),
                     .milestones = section.numbers("milestones"),
                     .factor = section.number("factor")};
  recipe.gentle = {.lr = section.number("gentle_lr"),
                   .until_error = section.number("gentle_until_error"),
                   .from_depth = section.small("gentle_from_depth")};
  recipe.momentum = section.number("momentum");
  recipe.nesterov = section.flag("nesterov");
  recipe.weight_decay = section.number("weight_decay");
  recipe.decay_all = section.flag("decay_all");
  recipe.label_smoothing = section.number("label_smoothing");
  if (section.has("freeze")) recipe.freeze = section.texts("freeze");
  if (section.has("stage_lr"))
    for (const std::string& text : section.texts("stage_lr")) recipe.stage_lr.push_back(stage_rate_from(text));
  recipe.augmentation = read_augmentation(section);
  if (section.has("sampling")) recipe.balanced_sampling = is_balanced(section.text("sampling"));
  if (section.has("class_weights")) recipe.class_weights = section.text("class_weights");
  section.expect_no_more();
  check(recipe);
  return recipe;
}

/// What `read` makes of the text; errors are of bad data and name the file, also those of the recipe's ranges.
template <class Read>
auto from_toml(const std::string& text, const std::string& where, Read&& read) {
  try {
    return with_context(where, [&] { return read(toml::parse(text)); });
  } catch (const toml::parse_error& error) {
    fail_data(where, ": line ", error.source().begin.line, ": ", error.description());
  } catch (const Error& error) {
    throw Error(ExitCode::bad_data, error.what());
  }
}

Precision precision_of(const std::string& name) {
  for (const Precision precision : {Precision::fp32, Precision::bf16})
    if (name_of(precision) == name) return precision;
  fail_data("[training] precision: expected fp32 or bf16, got '", name, "'");
}

bool is_low(const std::string& memory) {
  if (memory != "low" && memory != "normal") fail_data("[training] memory: expected low or normal, got '", memory, "'");
  return memory == "low";
}

ImagesIdentity read_images(Section& data, const std::string& part) {
  const int64_t count = data.integer(part + "_images");
  if (count < 1) fail_data("[data] ", part, "_images: expected 1 or more, got ", count);
  return {.count = count, .hash = data.text(part + "_hash")};
}

RunConfig read_config(const toml::table& root) {
  for (const auto& [key, value] : root)
    if (key.str() != "run" && key.str() != "model" && key.str() != "data" && key.str() != "training" &&
        key.str() != "recipe")
      fail_data("unknown key '", key.str(), "'");
  Section run(root, "run"), model(root, "model"), data(root, "data"), training(root, "training");
  if (const int64_t version = run.integer("format"); version != format_version)
    fail_data("[run] format: expected ", format_version, ", got ", version, "; use the version that wrote it");
  RunConfig config;
  config.model = model.text("name");
  config.model_spec = model.text("spec");
  spec_from_json(config.model_spec);
  config.data = data.text("source");
  config.validation = data.number("validation");
  if (!(config.validation > 0 && config.validation < 1))
    fail_data("[data] validation: expected a part between 0 and 1, got ", config.validation);
  if (data.has("max_bad")) config.max_bad = data.number("max_bad");
  config.train = read_images(data, "train");
  config.test = read_images(data, "test");
  const int64_t seed = training.integer("seed");
  if (seed < 0) fail_data("[training] seed: expected 0 or more, got ", seed);
  config.seed = static_cast<uint64_t>(seed);
  config.step.precision = precision_of(training.text("precision"));
  if (training.has("memory")) config.step.low_memory = is_low(training.text("memory"));
  config.instruction_set = training.text("instruction_set");
  config.plan = training.text("plan");
  config.checkpoint_every = training.integer("checkpoint_every");
  if (config.checkpoint_every < 0)
    fail_data("[training] checkpoint_every: expected 0 or more, got ", config.checkpoint_every);
  if (training.has("diagnose_every")) config.diagnose_every = training.integer("diagnose_every");
  if (config.diagnose_every < 0)
    fail_data("[training] diagnose_every: expected 0 or more, got ", config.diagnose_every);
  config.recipe = read_recipe(Section(root, "recipe"));
  for (const Section* section : {&run, &model, &data, &training}) section->expect_no_more();
  return config;
}

}  // namespace

std::string to_toml(const Recipe& recipe) {
  std::vector<std::string> milestones;
  for (const double milestone : recipe.schedule.milestones) milestones.push_back(real(milestone));
  std::vector<std::string> frozen, rates;
  for (const std::string& stage : recipe.freeze) frozen.push_back(quoted(stage));
  for (const StageRate& rate : recipe.stage_lr) rates.push_back(quoted(to_text(rate)));
  return fmt::format(
      "[recipe]\n"
      "name = {}\n"
      "epochs = {}  # or, where this is 0:\n"
      "iterations = {}\n"
      "batch = {}\n"
      "lr = {}\n"
      "schedule = \"{}\"\n"
      "warmup = {}  # part of all steps\n"
      "milestones = [{}]  # parts of all steps, each multiplies lr by\n"
      "factor = {}\n"
      "gentle_lr = {}  # until the training error is below gentle_until_error; 0: none\n"
      "gentle_until_error = {}\n"
      "gentle_from_depth = {}  # weight layers\n"
      "momentum = {}\n"
      "nesterov = {}\n"
      "weight_decay = {}\n"
      "decay_all = {}  # false: not of batch norm and biases\n"
      "label_smoothing = {}\n"
      "freeze = [{}]  # stages that stay as they are\n"
      "stage_lr = [{}]  # stages with a part of lr\n"
      "{}"
      "sampling = \"{}\"\n"
      "class_weights = {}\n",
      quoted(recipe.name), recipe.epochs, recipe.iterations, recipe.batch, real(recipe.schedule.peak),
      name_of(recipe.schedule.kind), real(recipe.schedule.warmup), fmt::join(milestones, ", "),
      real(recipe.schedule.factor), real(recipe.gentle.lr), real(recipe.gentle.until_error), recipe.gentle.from_depth,
      real(recipe.momentum), recipe.nesterov, real(recipe.weight_decay), recipe.decay_all, real(recipe.label_smoothing),
      fmt::join(frozen, ", "), fmt::join(rates, ", "), to_toml(recipe.augmentation),
      recipe.balanced_sampling ? "balanced" : "shuffled", quoted(recipe.class_weights));
}

std::string to_toml(const RunConfig& config) {
  return fmt::format(
             "# All that decides the numbers of this run.\n"
             "[run]\nformat = {}\n\n"
             "[model]\nname = {}\nspec = {}\n\n"
             "[data]\nsource = {}\nvalidation = {}  # part split off where there are no test images\n"
             "max_bad = {}  # part of the images that may be unusable\n"
             "train_images = {}\ntrain_hash = {}\ntest_images = {}\ntest_hash = {}\n\n"
             "[training]\nseed = {}\nprecision = \"{}\"\nmemory = \"{}\"\n"
             "instruction_set = {}\nplan = {}  # fingerprint of the chosen kernels\n"
             "checkpoint_every = {}  # steps; decides no number\n"
             "diagnose_every = {}  # steps between samples of the network's health; likewise\n\n",
             format_version, quoted(config.model), quoted(config.model_spec), quoted(config.data),
             real(config.validation), real(config.max_bad), config.train.count, quoted(config.train.hash),
             config.test.count, quoted(config.test.hash), config.seed, name_of(config.step.precision),
             config.step.low_memory ? "low" : "normal", quoted(config.instruction_set), quoted(config.plan),
             config.checkpoint_every, config.diagnose_every) +
         to_toml(config.recipe);
}

RunConfig config_from_toml(const std::string& text, const std::string& where) {
  return from_toml(text, where, read_config);
}

Recipe recipe_from_toml(const std::string& text, const std::string& where) {
  return from_toml(text, where, [](const toml::table& root) { return read_recipe(Section(root, "recipe")); });
}

std::optional<std::pair<std::string, std::string>> first_difference(const Recipe& a, const Recipe& b) {
  std::istringstream lines_a(to_toml(a)), lines_b(to_toml(b));
  const auto next = [](std::istringstream& lines, std::string& line) {
    if (!std::getline(lines, line)) return false;
    line = line.substr(0, line.find("  #"));
    return true;
  };
  std::string line_a, line_b;
  while (next(lines_a, line_a) && next(lines_b, line_b))
    if (line_a != line_b) return std::pair(line_a, line_b);
  return std::nullopt;
}

}  // namespace resnet
