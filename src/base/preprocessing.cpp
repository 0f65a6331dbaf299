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

std::string_view name_of(Filter filter) { return filter == Filter::bicubic ? "bicubic" : "bilinear"; }

Filter filter_from_name(std::string_view name) {
  for (const Filter filter : {Filter::bilinear, Filter::bicubic})
    if (name_of(filter) == name) return filter;
  fail_usage("unknown filter '", name, "'; expected bilinear or bicubic");
}

std::string to_json_text(const Preprocessing& preprocessing) {
  nlohmann::json json = {{"channels", preprocessing.channels},
                         {"height", preprocessing.height},
                         {"width", preprocessing.width},
                         {"mean", preprocessing.mean},
                         {"std", preprocessing.deviation}};
  if (preprocessing.resize > 0) {
    json["resize"] = preprocessing.resize;
    json["filter"] = name_of(preprocessing.filter);
  }
  return json.dump();
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
    if (json.contains("resize")) {
      result.resize = size_from(json.at("resize"));
      if (result.resize == 0) fail_model("resize: expected 1 to 65536, got ", json.at("resize").dump());
      result.filter = filter_from_name(json.at("filter").get<std::string>());
    }
  } catch (const Error& error) {
    fail_model("preprocessing: ", error.what());
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
