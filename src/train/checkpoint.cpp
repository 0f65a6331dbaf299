#include "train/checkpoint.hpp"

#include "base/error.hpp"
#include "train/config.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace resnet {
namespace {

constexpr const char* position_key = "training";
constexpr const char* recipe_key = "recipe";

Recipe stored_recipe(const std::string& text) {
  try {
    return recipe_from_toml(text, "its recipe");
  } catch (const Error& error) {
    fail_model(error.what());
  }
}

// nlohmann::json would make an integer of any number.
template <class Integer>
void read_integer(const nlohmann::json& json, const char* key, Integer& to) {
  const nlohmann::json& value = json.at(key);
  if (!value.is_number_integer())
    fail_model("the counters of the training: ", key, " is ", value.dump(), ", expected an integer of 64 bits");
  value.get_to(to);
}

}  // namespace

// nlohmann::json writes the shortest text that reads back as the same double.
std::string to_json_text(const TrainingPosition& position) {
  const auto optional = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  return nlohmann::ordered_json{{"epoch", position.epoch},
                                {"step_in_epoch", position.step_in_epoch},
                                {"step", position.step},
                                {"seed", position.seed},
                                {"loss_sum", position.running.loss_sum},
                                {"images", position.running.images},
                                {"correct", position.running.correct},
                                {"gentle", position.gentle},
                                {"window_images", position.window_images},
                                {"window_correct", position.window_correct},
                                {"gentle_end", position.gentle_end},
                                {"rate", position.rate},
                                {"best_top1", optional(position.best_top1)},
                                {"best_step", position.best_step}}
      .dump();
}

TrainingPosition position_from_json(const std::string& text) {
  TrainingPosition position;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    read_integer(json, "epoch", position.epoch);
    read_integer(json, "step_in_epoch", position.step_in_epoch);
    read_integer(json, "step", position.step);
    read_integer(json, "seed", position.seed);
    json.at("loss_sum").get_to(position.running.loss_sum);
    read_integer(json, "images", position.running.images);
    read_integer(json, "correct", position.running.correct);
    json.at("gentle").get_to(position.gentle);
    read_integer(json, "window_images", position.window_images);
    read_integer(json, "window_correct", position.window_correct);
    read_integer(json, "gentle_end", position.gentle_end);
    json.at("rate").get_to(position.rate);
    if (!json.at("best_top1").is_null()) position.best_top1 = json.at("best_top1").get<double>();
    read_integer(json, "best_step", position.best_step);
  } catch (const nlohmann::json::exception& error) {
    fail_model("the counters of the training cannot be read: ", error.what());
  }
  for (const int64_t count :
       {position.epoch, position.step_in_epoch, position.step, position.running.images, position.running.correct,
        position.window_images, position.window_correct, position.gentle_end, position.best_step})
    if (count < 0) fail_model("the counters of the training are negative: ", text);
  return position;
}

void save_position(const fs::path& path, const ModelInfo& info, const State& state, const TrainingPosition& position,
                   const Recipe& recipe) {
  save_checkpoint(path, info, state, position.step,
                  {{position_key, to_json_text(position)}, {recipe_key, to_toml(recipe)}});
}

LoadedPosition load_position(const fs::path& path) {
  Checkpoint checkpoint = load_checkpoint(path);
  return with_context(path.string(), [&]() -> LoadedPosition {
    const auto counters = checkpoint.extra.find(position_key), recipe = checkpoint.extra.find(recipe_key);
    if (counters == checkpoint.extra.end() || recipe == checkpoint.extra.end())
      fail_model("is a model without the counters and the recipe that resuming needs");
    return {.info = std::move(checkpoint.info),
            .state = std::move(checkpoint.state),
            .position = position_from_json(counters->second),
            .recipe = stored_recipe(recipe->second)};
  });
}

}  // namespace resnet
