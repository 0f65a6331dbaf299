// The networks that a study is asked to look at: a list of model files, run directories, and folders that hold several.
#pragma once

#include <string>
#include <vector>

namespace resnet {

/// `list` has commas between: a model file or a run directory stands for itself, a study or another folder for the run
/// directories in its runs/, or directly in it, in the order of their names. Error (bad data): nothing is there, or a
/// folder without runs; (usage): an empty list. `option` is named in messages.
std::vector<std::string> models_in(const std::string& list, const char* option);

}  // namespace resnet
