#include "train/evaluate.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "data/imagenet.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "models/cost.hpp"
#include "train/evaluate_views.hpp"
#include "train/evaluation_sources.hpp"
#include "train/open_network.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace resnet {
namespace {

void expect_size(const Dataset& dataset, const ModelInfo& info) {
  if (!has_one_size(dataset) || info.preprocessing.resize > 0) return;
  const Shape image = dataset.image_shape();
  const ImageSize& input = info.spec.input;
  const Shape expected{input.channels, input.height, input.width};
  if (!(image == expected)) fail_data("evaluation: the model expects images ", expected, ", the data set has ", image);
}

/// The first image of each class, then the second of each, until there are enough; where the classes are too many,
/// those of classes at equal distances.
std::set<int64_t> images_to_show(const Dataset& dataset) {
  std::vector<std::vector<int64_t>> of_class(dataset.classes().size());
  for (int64_t index = 0; index < dataset.size(); ++index) {
    std::vector<int64_t>& images = of_class[static_cast<std::size_t>(dataset.label(index))];
    if (std::ssize(images) < shown_images) images.push_back(index);
  }
  std::erase_if(of_class, [](const std::vector<int64_t>& images) { return images.empty(); });
  const int64_t classes = std::ssize(of_class), shown = std::min(classes, shown_images);
  std::set<int64_t> chosen;
  for (std::size_t round = 0; round < static_cast<std::size_t>(shown_images); ++round)
    for (int64_t k = 0; k < shown; ++k) {
      const std::vector<int64_t>& images = of_class[static_cast<std::size_t>(k * classes / shown)];
      if (round < images.size() && std::ssize(chosen) < shown_images) chosen.insert(images[round]);
    }
  return chosen;
}

}  // namespace

std::vector<int32_t> matched_classes(const std::vector<std::string>& names, const std::vector<std::string>& model) {
  std::vector<int32_t> labels;
  for (const std::string& name : names) {
    auto found = std::ranges::find(model, name);
    if (const auto other = found == model.end() ? other_imagenet_name(name) : std::nullopt)
      found = std::ranges::find(model, *other);
    if (found == model.end()) fail_data("evaluation: there is a class '", name, "' that the model was not trained on");
    labels.push_back(static_cast<int32_t>(found - model.begin()));
  }
  return labels;
}

int64_t evaluation_batch(const ImageSize& image) {
  constexpr int64_t elements = int64_t{100} * 3 * 64 * 64;
  return std::clamp<int64_t>(elements / image.elements(), 8, 100);
}

std::optional<EvaluationResult> evaluate(InferenceProgram& program, const std::shared_ptr<const Dataset>& dataset,
                                         const ModelInfo& info, BadImages* bad, int threads) {
  expect_size(*dataset, info);
  const std::vector<int32_t> labels = matched_classes(dataset->classes(), info.classes);
  Loader loader(dataset, info.preprocessing,
                {.batch = evaluation_batch(info.spec.input), .training = false, .threads = threads});
  EvaluationSums sums(info.classes);
  const std::set<int64_t> wanted = images_to_show(*dataset);
  std::vector<int64_t> shown;
  Progress progress("evaluation", dataset->size(), "images");
  int64_t done = 0;
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    if (interrupted()) return std::nullopt;
    const Batch& batch = loader.next();
    if (bad) bad->add(batch.bad);
    if (!bad && !batch.bad.empty()) fail_data(batch.bad.front().file, ": ", batch.bad.front().reason);
    std::vector<int64_t> rows;
    for (std::size_t row = 0; row < batch.indices.size(); ++row)
      if (wanted.contains(batch.indices[row])) {
        shown.push_back(batch.indices[row]);
        rows.push_back(static_cast<int64_t>(row));
      }
    Tensor truth = batch.labels;
    for (int32_t& label : truth.data<int32_t>()) label = labels[static_cast<std::size_t>(label)];
    sums.add(program.logits(batch.images), truth, batch.count, rows);
    progress.update(done += batch.count);
  }
  EvaluationResult result = sums.result();
  result.shown = std::move(shown);
  result.macs = network_cost(info.spec).macs;
  return result;
}

EvaluationResult evaluate(const EvaluateRequest& request) {
  check(request.views);
  const Sources sources = sources_of(request.model, request.data, request.validation);
  std::vector<OpenedModel> models;
  OpenOptions open = request.open;
  open.where_needed = open.where_needed || !request.ensemble.empty();  // what one of them lacks, others may have
  models.push_back(open_network(sources.model.string(), open));
  for (const std::string& other : request.ensemble) models.push_back(open_network(other, open));
  const int threads = request.threads > 0 ? request.threads : available_cores();
  DataOptions options = sources.options;
  options.threads = threads;
  const DataSplit data = open_data(resolved_data(sources.data), options);
  if (!data.note.empty()) log_info("{}", data.note);
  warn_of_other_images(sources, data);
  for (std::size_t i = 0; i < models.size(); ++i)
    complete(models[i], data, i == 0 ? sources.model.string() : request.ensemble[i - 1]);
  BadImages bad(sources.data, 1, data.test->size() + std::ssize(data.bad));
  bad.add(data.bad);
  const auto pool = std::make_shared<ThreadPool>(threads);
  std::optional<EvaluationResult> result;
  if (request.views.plain() && models.size() == 1) {
    InferenceProgram program(models[0].info.spec, models[0].state, {.threads = pool});
    result = evaluate(program, data.test, models[0].info, &bad, default_loader_threads(threads));
  } else {
    result = evaluate_views(models, data.test, request.views, bad, pool);
  }
  if (!result) fail_as(ExitCode::interrupted, "evaluation: interrupted");
  result->data = sources.data;
  result->part = data.test_name;
  return std::move(*result);
}

}  // namespace resnet
