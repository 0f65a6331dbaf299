#include "train/predict.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "data/loader.hpp"
#include "data/photos.hpp"
#include "data/tar.hpp"
#include "train/evaluate.hpp"
#include "train/inference.hpp"
#include "train/open_network.hpp"
#include "train/scoring.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

namespace resnet {
namespace {

/// The images below a named folder, in a named tar file, or the named file itself.
std::vector<ImageFile> images_at(const std::string& name, ImageFiles& files) {
  if (fs::path(name).extension() == ".tar") return images_in_tar(files, name);
  if (!is_folder(name)) return {{.name = name}};
  const FoundImages found = find_images(name);
  if (!found.left_out.empty()) log_info("{}: {}", name, note_of_left_out(found.left_out));
  std::vector<ImageFile> images;
  for (const std::string& file : found.files) images.push_back({.name = (fs::path(name) / file).string()});
  return images;
}

std::vector<PhotoFile> files_of(const std::vector<std::string>& names, ImageFiles& files, std::vector<BadImage>& bad) {
  std::vector<PhotoFile> photos;
  for (const std::string& name : names) {
    std::vector<ImageFile> images = images_at(name, files);
    if (images.empty()) bad.push_back({name, "holds no images (jpg, jpeg, png, ppm, pgm, bmp, webp)"});
    for (ImageFile& image : images) photos.push_back({.file = std::move(image)});
  }
  return photos;
}

std::vector<ClassProbability> most_probable(const std::vector<double>& all, const std::vector<std::string>& classes,
                                            int count) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return all[a] > all[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  std::vector<ClassProbability> result;
  for (const std::size_t k : order) result.push_back({classes[k], all[k]});
  return result;
}

/// What a foreign file does not say of preprocessing is taken to be what networks for photos usually have.
OpenedModel opened(const PredictRequest& request) {
  OpenedModel model = open_network(request.model, request.open);
  Preprocessing& preprocessing = model.info.preprocessing;
  if (!model.preprocessing_known && preprocessing.channels == 3) {
    preprocessing.mean = {0.485f, 0.456f, 0.406f};
    preprocessing.deviation = {0.229f, 0.224f, 0.225f};
    log_info("{} says nothing of preprocessing: ImageNet's mean and deviation are used (--mean, --std change them)",
             request.model);
  }
  return model;
}

/// Photos that are seen once go in batches through the loader.
void predict_in_batches(const OpenedModel& model, const std::shared_ptr<const Dataset>& photos,
                        const PredictRequest& request, const std::shared_ptr<ThreadPool>& pool, Predictions& result) {
  const ModelInfo& info = model.info;
  const std::size_t classes = info.classes.size();
  InferenceProgram program(info.spec, model.state, {.threads = pool});
  // A few images need no program for many.
  const int64_t batch_size = std::min(evaluation_batch(info.spec.input), photos->size());
  Loader loader(photos, info.preprocessing,
                {.batch = batch_size, .training = false, .threads = default_loader_threads(pool->threads())});
  Progress progress("predicting", photos->size(), "images");
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    if (interrupted()) fail_as(ExitCode::interrupted, "predict: interrupted");
    const Batch& batch = loader.next();
    result.bad.insert(result.bad.end(), batch.bad.begin(), batch.bad.end());
    if (batch.count == 0) continue;
    const Tensor logits = program.logits(batch.images);
    for (std::size_t n = 0; n < batch.indices.size(); ++n)
      result.images.push_back({photos->name_of(batch.indices[n]),
                               most_probable(probabilities_of(logits.data<float>().subspan(n * classes, classes)),
                                             info.classes, request.top_k)});
    progress.update(std::ssize(result.images) + std::ssize(result.bad));
  }
}

void predict_in_views(const OpenedModel& model, const Dataset& photos, const PredictRequest& request,
                      const std::shared_ptr<ThreadPool>& pool, Predictions& result) {
  Scorer scorer(model.info, model.state, request.views, pool);
  Progress progress("predicting", photos.size(), "images");
  for (int64_t index = 0; index < photos.size(); ++index) {
    if (interrupted()) fail_as(ExitCode::interrupted, "predict: interrupted");
    try {
      const Image picture = photos.picture(index, {.channels = model.info.preprocessing.channels}).image;
      result.images.push_back(
          {photos.name_of(index), most_probable(scorer.probabilities(picture), model.info.classes, request.top_k)});
    } catch (const Error& error) {
      if (error.code() != ExitCode::bad_data) throw;
      result.bad.push_back({photos.name_of(index), error.what()});
    }
    progress.update(index + 1);
  }
}

}  // namespace

Predictions predict(const PredictRequest& request) {
  if (request.top_k < 1) fail_usage("top-k: expected at least 1, got ", request.top_k);
  check(request.views);
  const OpenedModel model = opened(request);
  Predictions result;
  const auto sources = std::make_shared<ImageFiles>(fs::path());
  std::vector<PhotoFile> files = files_of(request.images, *sources, result.bad);
  if (files.empty()) return result;
  const auto pool = std::make_shared<ThreadPool>(request.threads > 0 ? request.threads : available_cores());
  const auto photos = photo_dataset(sources, std::move(files), model.info.classes, model.info.preprocessing.channels);
  if (request.views.plain())
    predict_in_batches(model, photos, request, pool, result);
  else
    predict_in_views(model, *photos, request, pool, result);
  return result;
}

}  // namespace resnet
