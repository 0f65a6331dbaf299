#include "train/evaluate.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "train/config.hpp"
#include "train/run.hpp"
#include "train/unchanged.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace resnet {
namespace {

/// The model's label of each class of the data set.
std::vector<int32_t> match_classes(const std::vector<std::string>& data, const std::vector<std::string>& model) {
  std::vector<int32_t> labels;
  for (const std::string& name : data) {
    const auto found = std::ranges::find(model, name);
    if (found == model.end())
      fail_data("evaluation: the data have a class '", name, "' that the model was not trained on");
    labels.push_back(static_cast<int32_t>(found - model.begin()));
  }
  return labels;
}

void expect_size(const Dataset& dataset, const ModelInfo& info) {
  if (!has_one_size(dataset) || info.preprocessing.resize > 0) return;
  const Shape image = dataset.image_shape();
  const ImageSize& input = info.spec.input;
  const Shape expected{input.channels, input.height, input.width};
  if (!(image == expected)) fail_data("evaluation: the model expects images ", expected, ", the data set has ", image);
}

/// What a foreign file leaves open is taken from the data set, and said.
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

}  // namespace

int64_t evaluation_batch(const ImageSize& image) {
  constexpr int64_t elements = int64_t{100} * 3 * 64 * 64;
  return std::clamp<int64_t>(elements / image.elements(), 8, 100);
}

std::optional<EvaluationResult> evaluate(InferenceProgram& program, const std::shared_ptr<const Dataset>& dataset,
                                         const ModelInfo& info, BadImages* bad, int threads) {
  expect_size(*dataset, info);
  const std::vector<int32_t> labels = match_classes(dataset->classes(), info.classes);
  Loader loader(dataset, info.preprocessing,
                {.batch = evaluation_batch(info.spec.input), .training = false, .threads = threads});
  EvaluationSums sums(info.classes, shown_images);
  std::vector<int64_t> shown;
  Progress progress("evaluation", dataset->size(), "images");
  int64_t done = 0;
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    if (interrupted()) return std::nullopt;
    const Batch& batch = loader.next();
    if (bad) bad->add(batch.bad);
    if (!bad && !batch.bad.empty()) fail_data(batch.bad.front().file, ": ", batch.bad.front().reason);
    for (const int64_t index : batch.indices)
      if (std::ssize(shown) < shown_images) shown.push_back(index);
    Tensor truth = batch.labels;
    for (int32_t& label : truth.data<int32_t>()) label = labels[static_cast<std::size_t>(label)];
    sums.add(program.logits(batch.images), truth, batch.count);
    progress.update(done += batch.count);
  }
  EvaluationResult result = sums.result();
  result.shown = std::move(shown);
  return result;
}

EvaluationResult evaluate(const EvaluateRequest& request) {
  fs::path file = request.model;
  std::string source = request.data;
  double validation = DataOptions{}.validation;
  std::optional<ImagesIdentity> tested;  // what a run's own data held when it was started
  if (is_folder(file)) {
    const RunDirectory run = open_run(file);
    const RunConfig config = config_from_toml(read_file(run.config(), 1 << 20), run.config().string());
    file = run.model();
    validation = config.validation;  // with named data too: another share would bring back images it was trained on
    if (source.empty() && request.validation.value_or(validation) == validation) tested = config.test;
    if (source.empty()) source = config.data;
  }
  if (source.empty()) fail_usage("evaluation: name the data to evaluate ", request.model, " on");
  OpenedModel model = open_model(file, request.open);
  for (const std::string& note : model.notes) log_info("{}", note);
  const int threads = request.threads > 0 ? request.threads : available_cores();
  const DataSplit data = open_data(source, {.threads = threads, .validation = request.validation.value_or(validation)});
  if (!data.note.empty()) log_info("{}", data.note);
  if (tested && !(identity_of(*data.test) == *tested))
    log_warning("{}: these are not the images that the run was tested on: {} then, {} now", source, tested->count,
                data.test->size());
  complete(model, data, file.string());
  InferenceProgram program(model.info.spec, model.state, {.threads = std::make_shared<ThreadPool>(threads)});
  BadImages bad(source, 1, data.test->size() + std::ssize(data.bad));
  bad.add(data.bad);
  std::optional<EvaluationResult> result =
      evaluate(program, data.test, model.info, &bad, default_loader_threads(threads));
  if (!result) fail_as(ExitCode::interrupted, "evaluation: interrupted");
  return std::move(*result);
}

}  // namespace resnet
