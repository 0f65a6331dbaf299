// Results of studies are JSON values that keep the order in which their members were written.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace resnet {

using Json = nlohmann::ordered_json;

/// Numbers with all digits that tell them apart. `indent` of -1: one line.
inline std::string text_of_json(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace resnet
