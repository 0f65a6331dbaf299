// The JSON form of a network that is written out as a list of layers, for spec.cpp.
#pragma once

#include "models/written_out.hpp"

#include <nlohmann/json.hpp>

namespace resnet {

nlohmann::json to_json(const WrittenOut& network);

/// Error (bad model): not of that form; names the layer.
WrittenOut written_out_from(const nlohmann::json& json);

/// The attributes of an op that a list may hold. Error (bad model): it may not.
nlohmann::json attributes_of(const Op& op);
Op op_from(const std::string& name, const nlohmann::json& attributes);

}  // namespace resnet
