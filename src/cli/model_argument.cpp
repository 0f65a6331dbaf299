#include "cli/model_argument.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/nearest.hpp"
#include "fetch/fetch.hpp"
#include "models/model.hpp"
#include "train/open_network.hpp"

#include <string>
#include <vector>

namespace resnet::cli {
namespace {

bool is_zoo_name(const std::string& model) {
  try {
    find_model(model);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// A word that can only be meant as a name: "; did you mean resnet50?", where one is near.
std::string nearest_published(const std::string& model) {
  if (model.find_first_of("./") != std::string::npos) return {};
  std::vector<std::string> names;
  for (const Published& item : published())
    if (!item.is_data()) names.emplace_back(item.name);
  return did_you_mean(model, names);
}

}  // namespace

void expect_weights(const std::string& verb, const std::string& model) {
  if (path_exists(model)) return;
  if (is_published_weights(model)) {
    if (find_fetched(expect_published(model))) return;
    fail_usage(verb, ": ", model, " has not been fetched; `resnet fetch ", model,
               "` downloads published weights, or train it (resnet train DATA --model ", model,
               ") and give the run directory");
  }
  if (is_zoo_name(model))
    fail_usage(verb, ": ", model, " is a name without weights; train it (resnet train DATA --model ", model,
               ") and give the run directory, or give a model file");
  fail_model(model, ": no such file or run directory", nearest_published(model));
}

}  // namespace resnet::cli
