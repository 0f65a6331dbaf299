#include "study/diagnose/trials.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "train/health/probe.hpp"
#include "train/metrics.hpp"
#include "train/training_program.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

bool any(const Shape&) { return true; }
bool in_colour(const Shape& images) { return images.c() == 3; }
bool square(const Shape& images) { return images.h() == images.w(); }

/// 1 - p in place of each pixel p of 0 .. 1.
void invert(const Preprocessing& normalised, Tensor& images) {
  const Shape& shape = images.shape();
  const auto channels = static_cast<std::size_t>(shape.c()), area = static_cast<std::size_t>(shape.h() * shape.w());
  const std::span<float> values = images.data<float>();
  for (std::size_t plane = 0; plane * area < values.size(); ++plane) {
    const std::size_t c = plane % channels;
    const float white_and_black = (1 - 2 * normalised.mean[c]) / normalised.deviation[c];
    for (float& x : values.subspan(plane * area, area)) x = white_and_black - x;
  }
}

/// The pixels stay what they are in units of 0 .. 1, so each channel is normalised anew.
void reverse_channels(const Preprocessing& normalised, Tensor& images) {
  const Shape& shape = images.shape();
  const auto area = static_cast<std::size_t>(shape.h() * shape.w());
  const std::span<float> values = images.data<float>();
  const std::vector<float>&mean = normalised.mean, &deviation = normalised.deviation;
  for (std::size_t image = 0; image * 3 * area < values.size(); ++image)
    for (std::size_t i = 0; i < area; ++i) {
      float &red = values[image * 3 * area + i], &blue = values[(image * 3 + 2) * area + i];
      const float r = red * deviation[0] + mean[0], b = blue * deviation[2] + mean[2];
      red = (b - mean[0]) / deviation[0];
      blue = (r - mean[2]) / deviation[2];
    }
}

void mirror(const Preprocessing&, Tensor& images) {
  const auto width = static_cast<std::size_t>(images.shape().w());
  const std::span<float> values = images.data<float>();
  for (std::size_t at = 0; at < values.size(); at += width) std::ranges::reverse(values.subspan(at, width));
}

/// Turned upside down and mirrored: the rows in the other order.
void turn_over(const Preprocessing&, Tensor& images) {
  const auto width = static_cast<std::size_t>(images.shape().w()),
             height = static_cast<std::size_t>(images.shape().h());
  const std::span<float> values = images.data<float>();
  for (std::size_t plane = 0; plane < values.size(); plane += height * width)
    for (std::size_t row = 0; row < height / 2; ++row)
      std::ranges::swap_ranges(values.subspan(plane + row * width, width),
                               values.subspan(plane + (height - 1 - row) * width, width));
}

void transpose(const Preprocessing&, Tensor& images) {
  const auto side = static_cast<std::size_t>(images.shape().w());
  const std::span<float> values = images.data<float>();
  for (std::size_t plane = 0; plane < values.size(); plane += side * side)
    for (std::size_t row = 0; row < side; ++row)
      for (std::size_t column = 0; column < row; ++column)
        std::swap(values[plane + row * side + column], values[plane + column * side + row]);
}

constexpr PictureForm forms[] = {
    {"with the pixels inverted (light for dark)", any, invert},
    {"with red and blue exchanged", in_colour, reverse_channels},
    {"with left and right exchanged", any, mirror},
    {"with top and bottom exchanged", any, turn_over},
    {"with rows and columns exchanged", square, transpose},
};

}  // namespace

std::span<const PictureForm> picture_forms() { return forms; }

FirstSteps take_first_steps(const ModelSpec& spec, const Recipe& recipe, const State& state, uint64_t seed,
                            std::span<const Batch> batches, int64_t steps, const CompileOptions& options) {
  Recipe plain = recipe;
  plain.augmentation = {};
  plain.class_weights = "none";
  plain.batch = batches.front().labels.elements();
  const bool gentle = recipe.gentle.lr > 0 && weight_layers(spec) >= recipe.gentle.from_depth;
  const bool warm = gentle || recipe.schedule.warmup > 0;
  const double peak = recipe.schedule.peak;
  State copy = state;
  FirstSteps result{.steps = steps};
  {
    TrainingProgram program(spec, plain, {}, copy, seed, options);
    for (int64_t step = 0; step < steps; ++step) {
      if (interrupted()) fail_as(ExitCode::interrupted, "diagnose: interrupted");
      const double part = warm ? static_cast<double>(step + 1) / static_cast<double>(steps) : 1;
      const Batch& batch = batches[static_cast<std::size_t>(step) % batches.size()];
      if (!std::isfinite(program.run(batch, part * peak, step).loss)) break;
    }
  }
  copy.touch();
  HealthProbe probe(spec, plain, copy, seed, plain.batch, options);
  for (const Batch& batch : batches) probe.add(batch.images, batch.labels);
  const NetworkHealth health = probe.health(peak);
  result.loss = health.output.loss;
  std::vector<double> growths;
  for (const LayerHealth& layer : health.layers)
    if (const double before = frobenius_norm(state.at(layer.parameter)); !layer.frozen && before > 0)
      growths.push_back(layer.weight / before);
  std::ranges::sort(growths);
  if (!growths.empty()) result.growth = growths[growths.size() / 2];
  return result;
}

}  // namespace resnet
