#include "train/evaluation_sources.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "data/photo_split.hpp"
#include "train/unchanged.hpp"

#include <fmt/ranges.h>

#include <system_error>

namespace resnet {
namespace {

/// The run of a folder, or of a model file in one.
std::optional<RunDirectory> run_of(const fs::path& model) {
  if (is_folder(model)) return open_run(model);
  const fs::path above = fs::absolute(model).lexically_normal().parent_path().parent_path();
  if (!path_exists(above / "config.toml") || !path_exists(above / "checkpoints" / model.filename()))
    return std::nullopt;
  return open_run(above);
}

bool same_place(const std::string& a, const std::string& b) {
  if (a == b) return true;
  std::error_code error;
  return fs::equivalent(a, b, error);
}

}  // namespace

Sources sources_of(const std::string& model, const std::string& data, const std::optional<double>& validation) {
  Sources sources{.model = model, .data = data, .options = {}, .run = {}, .tested = {}, .trained_split = {}};
  const std::optional<RunDirectory> run = run_of(model);
  sources.run = run;
  const bool folder = is_folder(model);
  if (folder) sources.model = run->model();
  if (data.empty() && !folder) fail_usage("evaluation: name the data to evaluate ", model, " on");
  sources.options.validation = validation.value_or(1);
  if (!run) return sources;
  const RunConfig config = config_from_toml(read_file(run->config(), 1 << 20), run->config().string());
  const bool own = sources.data.empty() || same_place(sources.data, config.data);
  if (own) sources.data = config.data;
  const bool as_trained = own && validation.value_or(config.validation) == config.validation;
  if (as_trained) {
    sources.options.validation = config.validation;
    sources.options.split = run->saved_split();
    sources.tested = config.test;
  } else {
    sources.trained_split = run->saved_split();
  }
  return sources;
}

void complete(OpenedModel& model, const DataSplit& data, const std::string& file) {
  const std::vector<std::string>& classes = data.test->classes();
  if (!model.classes_known) {
    if (classes.size() != model.info.classes.size())
      fail_data(file, ": has ", model.info.classes.size(), " classes without names, the data set has ", classes.size());
    model.info.classes = classes;
    log_info("{} names no classes: they are taken to be the data set's, in its order", file);
  }
  if (!model.preprocessing_known && data.preprocessing.channels == model.info.preprocessing.channels) {
    model.info.preprocessing.mean = data.preprocessing.mean;
    model.info.preprocessing.deviation = data.preprocessing.deviation;
    log_info(
        "{} says nothing of preprocessing: the data set's is used, mean {:.4f}, std {:.4f} (--mean, --std change it)",
        file, fmt::join(data.preprocessing.mean, " "), fmt::join(data.preprocessing.deviation, " "));
  }
}

void warn_of_other_images(const Sources& sources, const DataSplit& data) {
  if (sources.tested && !(identity_of(*data.test) == *sources.tested))
    log_warning("{}: these are not the images that the run was tested on: {} then, {} now", sources.data,
                sources.tested->count, data.test->size());
  if (sources.trained_split.empty() || !data.sizes) return;
  const SavedSplit split = SavedSplit::read(sources.trained_split);
  if (split.classes() != data.test->classes()) return;
  int64_t learnt = 0;
  for (int64_t index = 0; index < data.test->size(); ++index) learnt += split.trained_on(*data.test, index) ? 1 : 0;
  if (learnt > 0)
    log_warning("{}: the run was trained on {} of these {}", sources.data, learnt, plural(data.test->size(), "image"));
}

}  // namespace resnet
