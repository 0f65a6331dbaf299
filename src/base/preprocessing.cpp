#include "base/preprocessing.hpp"

#include "base/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace resnet {

std::string to_json_text(const Preprocessing& preprocessing) {
  return nlohmann::json{{"channels", preprocessing.channels},
                        {"height", preprocessing.height},
                        {"width", preprocessing.width},
                        {"mean", preprocessing.mean},
                        {"std", preprocessing.deviation}}
      .dump();
}

Preprocessing preprocessing_from_json(const std::string& text) {
  Preprocessing result;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    json.at("channels").get_to(result.channels);
    json.at("height").get_to(result.height);
    json.at("width").get_to(result.width);
    json.at("mean").get_to(result.mean);
    json.at("std").get_to(result.deviation);
  } catch (const nlohmann::json::exception& error) {
    fail_model("preprocessing: expected channels, height, width, mean and std: ", error.what());
  }
  const auto channels = static_cast<std::size_t>(std::max(result.channels, 0));
  if (result.channels < 1 || result.height < 1 || result.width < 1 || result.mean.size() != channels ||
      result.deviation.size() != channels || std::ranges::any_of(result.deviation, [](float d) { return !(d > 0); }))
    fail_model("preprocessing: expected positive sizes and one mean and one positive std per channel, got ", text);
  return result;
}

}  // namespace resnet
