#include "study/diagnose/measure.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "data/loader.hpp"
#include "train/evaluate.hpp"
#include "train/health/probe.hpp"
#include "train/inference.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

struct Images {
  std::vector<Tensor> images, labels;
};

/// About 1 GiB of values in single precision, a quarter of it for the forward pass alone.
int64_t batch_for(const ModelSpec& spec) {
  constexpr int64_t room = int64_t{1} << 26;
  const Graph forward = forward_graph(spec, 1, Mode::inference);
  int64_t elements = 1;
  for (const ValueInfo& value : forward.values())
    if (value.kind == ValueKind::computed) elements += value.shape.elements();
  return std::clamp<int64_t>(room / elements, 4, 64);
}

Images images_of(const Patient& patient, int64_t batch, int64_t batches, int threads) {
  const int64_t size = patient.data->size(), count = batch * batches;
  std::vector<int64_t> chosen = epoch_order(size, 0, 0);
  chosen.resize(static_cast<std::size_t>(count));
  const std::vector<int32_t> labels = matched_classes(patient.data->classes(), patient.info.classes);
  Loader loader(subset(patient.data, chosen), patient.info.preprocessing,
                {.batch = count, .training = false, .threads = threads, .prefetch = 1});
  const Batch& all = loader.next();
  if (!all.bad.empty()) fail_data(all.bad.front().file, ": ", all.bad.front().reason);
  Images images;
  const std::size_t each = static_cast<std::size_t>(all.images.elements() / count);
  Shape shape = all.images.shape();
  shape[0] = batch;
  for (int64_t b = 0; b < batches; ++b) {
    Tensor pixels(shape), truth(Shape{batch}, DType::i32);
    for (int64_t n = 0; n < batch; ++n) {
      const auto from = static_cast<std::size_t>(b * batch + n), to = static_cast<std::size_t>(n);
      std::ranges::copy(all.images.data<float>().subspan(from * each, each),
                        pixels.data<float>().subspan(to * each, each).begin());
      truth.data<int32_t>()[to] = labels[static_cast<std::size_t>(all.labels.data<int32_t>()[from])];
    }
    images.images.push_back(std::move(pixels));
    images.labels.push_back(std::move(truth));
  }
  return images;
}

InferenceFigures infer(const ModelInfo& info, const State& state, const Images& images, const CompileOptions& options) {
  InferenceProgram program(info.spec, state, options);
  EvaluationSums sums(info.classes);
  double confidence = 0;
  for (std::size_t b = 0; b < images.images.size(); ++b) {
    const int64_t count = images.labels[b].elements();
    std::vector<int64_t> rows(static_cast<std::size_t>(count));
    for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = static_cast<int64_t>(row);
    sums.add(program.logits(images.images[b]), images.labels[b], count, rows);
  }
  const EvaluationResult result = sums.result();
  for (const double c : result.confidence) confidence += c / static_cast<double>(result.count);
  return {.loss = result.loss, .top1 = result.top1(), .confidence = confidence, .confusion = result.confusion};
}

/// Batch norm in training needs more than one value for each channel, so a batch has at least two images.
int64_t fitting_batch(const Patient& patient, const MeasureOptions& options, int64_t& batches) {
  const int64_t size = patient.data->size();
  if (size < 2) fail_usage("diagnose: the data have ", size, " images; at least 2 are needed");
  const int64_t batch = std::min(options.batch > 0 ? options.batch : batch_for(patient.info.spec), size);
  batches = std::clamp<int64_t>(size / batch, 1, options.batches);
  return batch;
}

/// The rate of a step from here. A network at its start never takes one at the peak where the recipe begins gently or
/// warms up: deep ones throw themselves off with it (ResNet-56 at 0.2), and are other networks when they get there.
double rate_of_step(const Patient& patient, bool trained) {
  constexpr double warm = 0.1;  // of the peak; a warm-up begins lower still
  const Recipe& recipe = patient.recipe;
  const double peak = recipe.schedule.peak;
  if (trained) return peak;
  if (recipe.gentle.lr > 0 && weight_layers(patient.info.spec) >= recipe.gentle.from_depth)
    return std::min(peak, recipe.gentle.lr);
  return recipe.schedule.warmup > 0 ? warm * peak : peak;
}

/// Where a network is right nine times in ten, no other form can be the one that it knows.
std::vector<OtherForm> in_other_forms(const ModelInfo& info, const State& state, const Images& images,
                                      const CompileOptions& options) {
  std::vector<OtherForm> result;
  for (const PictureForm& form : picture_forms()) {
    if (!form.fits(images.images.front().shape())) continue;
    Images changed = images;
    for (Tensor& batch : changed.images) form.change(info.preprocessing, batch);
    result.push_back({.name = std::string(form.name), .top1 = infer(info, state, changed, options).top1});
  }
  return result;
}

std::vector<int64_t> labels_of(const Patient& patient) {
  const std::vector<int32_t> known = matched_classes(patient.data->classes(), patient.info.classes);
  std::vector<int64_t> labels(patient.info.classes.size());
  for (int64_t index = 0; index < patient.data->size(); ++index)
    ++labels[static_cast<std::size_t>(known[static_cast<std::size_t>(patient.data->label(index))])];
  return labels;
}

std::vector<Batch> batches_of(const Images& images) {
  std::vector<Batch> batches;
  for (std::size_t b = 0; b < images.images.size(); ++b)
    batches.push_back(
        {.images = images.images[b], .labels = images.labels[b], .count = images.labels[b].elements(), .indices = {}});
  return batches;
}

}  // namespace

bool shows_training(const NetworkHealth& health) {
  // Among the layers of a network at its start the largest is 2 to 4, of one that was trained 6 to 100 and more.
  constexpr double by_chance = 6;
  return std::ranges::any_of(health.layers, [](const LayerHealth& layer) { return !(layer.departure < by_chance); }) ||
         std::ranges::any_of(health.norms, [](const NormHealth& norm) { return !norm.as_started; });
}

bool Measurements::trained() const { return steps > 0 || (steps < 0 && shows_training(health)); }

bool Measurements::oversteps(double before, double after) const {
  return std::isfinite(before) && !(after <= before + 3 * chance_loss());
}

double Measurements::chance_loss() const { return std::log(static_cast<double>(classes.size())); }

bool Measurements::better_than_chance(double right) const {
  constexpr double one_in_a_thousand = 3.09;  // standard deviations
  const double guess = chance(), images = static_cast<double>(std::max<int64_t>(health.images, 1));
  return right > guess + one_in_a_thousand * std::sqrt(guess * (1 - guess) / images);
}

Measurements measure(Patient patient, const MeasureOptions& options) {
  const std::shared_ptr<ThreadPool> pool = options.threads ? options.threads : std::make_shared<ThreadPool>(1);
  int64_t batches = options.batches;
  const int64_t batch = fitting_batch(patient, options, batches);
  const Images images = images_of(patient, batch, batches, default_loader_threads(pool->threads()));
  HealthProbe probe(patient.info.spec, patient.recipe, patient.state, patient.seed, batch, {.threads = pool});
  Progress progress("measuring", batches + 3, "batches");
  Measurements result;
  result.classes = patient.info.classes;
  for (std::size_t b = 0; b < images.images.size(); ++b) {
    if (interrupted()) fail_as(ExitCode::interrupted, "diagnose: interrupted");
    result.step_loss_before = probe.add(images.images[b], images.labels[b]);
    progress.update(static_cast<int64_t>(b) + 1);
  }
  const double rate = patient.recipe.schedule.peak;
  probe.add_path(images.images.front(), images.labels.front());
  result.health = probe.health(rate);
  result.steps = patient.steps;
  result.step_rate = rate_of_step(patient, result.trained());
  result.step_loss = probe.loss_after_step(images.images.back(), images.labels.back(), result.step_rate);
  progress.update(batches + 2);
  result.inference = infer(patient.info, patient.state, images, {.threads = pool});
  progress.update(batches + 3);
  if (result.trained() && result.inference.top1 < 0.9)
    result.other_forms = in_other_forms(patient.info, patient.state, images, {.threads = pool});
  if (!result.trained() &&
      (result.oversteps(result.step_loss_before, result.step_loss) || median_update(result.health) > largest_update))
    result.first_steps = take_first_steps(patient.info.spec, patient.recipe, patient.state, patient.seed,
                                          batches_of(images), 20, {.threads = pool});
  result.labels = labels_of(patient);
  result.weighs_classes = patient.recipe.balanced_sampling || patient.recipe.class_weights != "none";
  result.starts_as_identity = patient.info.spec.zero_gamma;
  result.frozen_stages = patient.recipe.freeze;
  result.momentum = patient.recipe.momentum;
  return result;
}

}  // namespace resnet
