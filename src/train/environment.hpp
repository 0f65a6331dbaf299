// What a run was made with, for environment.json and the report: machine, system, compiler, library versions.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace resnet {

/// Names and values in a fixed order: "processor", "cores", "memory", "system", "compiler", "onednn", ...
using Environment = std::vector<std::pair<std::string, std::string>>;

Environment environment();

/// One JSON object.
std::string to_json_text(const Environment& environment);

}  // namespace resnet
