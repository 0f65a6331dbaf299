#include "study/model_list.hpp"

#include "base/error.hpp"
#include "base/run_folder.hpp"
#include "train/run.hpp"

#include <algorithm>
#include <sstream>

namespace resnet {
namespace {

std::vector<std::string> runs_in(const fs::path& folder) {
  const fs::path inner = is_folder(folder / "runs") ? folder / "runs" : folder;
  std::vector<std::string> runs;
  for (const fs::directory_entry& entry : fs::directory_iterator(inner))
    if (holds_run(entry.path())) runs.push_back(entry.path().string());
  if (runs.empty())
    fail_data(folder.string(),
              ": holds no run directories, neither in runs/ nor beside it; name a model file, a run or "
              "a study that trained some");
  std::ranges::sort(runs);
  return runs;
}

}  // namespace

std::vector<std::string> models_in(const std::string& list, const char* option) {
  std::vector<std::string> models;
  std::istringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');) {
    if (word.empty()) continue;
    if (!path_exists(word)) fail_data(option, ": ", word, ": no such file or folder");
    if (!is_folder(word) || holds_run(word))
      models.push_back(word);
    else
      for (std::string& run : runs_in(word)) models.push_back(std::move(run));
  }
  if (models.empty())
    fail_usage(option, ": expected model files, run directories or a study that trained some, with commas between");
  return models;
}

}  // namespace resnet
