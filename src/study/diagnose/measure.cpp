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
double rate_of_step(const Patient& patient) {
  constexpr double warm = 0.1;  // of the peak; a warm-up begins lower still
  const Recipe& recipe = patient.recipe;
  const double peak = recipe.schedule.peak;
  if (patient.steps != 0) return peak;
  if (recipe.gentle.lr > 0 && weight_layers(patient.info.spec) >= recipe.gentle.from_depth)
    return std::min(peak, recipe.gentle.lr);
  return recipe.schedule.warmup > 0 ? warm * peak : peak;
}

}  // namespace

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
  for (std::size_t b = 0; b < images.images.size(); ++b) {
    if (interrupted()) fail_as(ExitCode::interrupted, "diagnose: interrupted");
    result.step_loss_before = probe.add(images.images[b], images.labels[b]);
    progress.update(static_cast<int64_t>(b) + 1);
  }
  const double rate = patient.recipe.schedule.peak;
  probe.add_path(images.images.front(), images.labels.front());
  result.step_rate = rate_of_step(patient);
  result.step_loss = probe.loss_after_step(images.images.back(), images.labels.back(), result.step_rate);
  result.health = probe.health(rate);
  progress.update(batches + 2);
  result.inference = infer(patient.info, patient.state, images, {.threads = pool});
  progress.update(batches + 3);
  result.steps = patient.steps;
  result.starts_as_identity = patient.info.spec.zero_gamma;
  result.classes = patient.info.classes;
  result.frozen_stages = patient.recipe.freeze;
  result.momentum = patient.recipe.momentum;
  return result;
}

}  // namespace resnet
