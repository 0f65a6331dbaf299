#include "base/preprocessing.hpp"

#include "base/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace resnet {
namespace {

/// 0 if it is no size.
int size_from(const nlohmann::json& json) {
  constexpr uint64_t largest = 1 << 16;
  return json.is_number_unsigned() && json.get<uint64_t>() <= largest ? json.get<int>() : 0;
}

}  // namespace

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
    result.channels = size_from(json.at("channels"));
    result.height = size_from(json.at("height"));
    result.width = size_from(json.at("width"));
    json.at("mean").get_to(result.mean);
    json.at("std").get_to(result.deviation);
  } catch (const nlohmann::json::exception& error) {
    fail_model("preprocessing: expected channels, height, width, mean and std: ", error.what());
  }
  const auto finite = [](float number) { return std::isfinite(number); };
  const auto scale = [](float number) { return std::isfinite(number) && number > 0; };
  const auto channels = static_cast<std::size_t>(result.channels);
  if (result.channels < 1 || result.height < 1 || result.width < 1 || result.mean.size() != channels ||
      result.deviation.size() != channels || !std::ranges::all_of(result.mean, finite) ||
      !std::ranges::all_of(result.deviation, scale))
    fail_model("preprocessing: expected positive sizes and one mean and one positive std per channel, got ",
               text.substr(0, 200));
  return result;
}

}  // namespace resnet
