#include "cli/model_argument.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "fetch/fetch.hpp"
#include "models/model.hpp"
#include "train/open_network.hpp"

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
  fail_model(model, ": no such file or run directory");
}

}  // namespace resnet::cli
