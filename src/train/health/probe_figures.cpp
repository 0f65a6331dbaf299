// What a probe reads from one run.
#include "train/health/probe_sums.hpp"
#include "train/metrics.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

double squares_of(const Tensor& tensor) {
  const double norm = frobenius_norm(tensor);
  return norm * norm;
}

uint64_t hash_of(std::span<const float> values) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const std::byte byte : std::as_bytes(values)) hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3;
  return hash;
}

/// Of a sigmoid's results y, whose derivative y (1 - y) is at most 1/4.
double saturated_part(const Tensor& results) {
  constexpr float flat = 0.25f / 100;
  const auto count = std::ranges::count_if(results.data<float>(), [](float y) { return y * (1 - y) < flat; });
  return static_cast<double>(count) / static_cast<double>(results.elements());
}

}  // namespace

/// What the first layer reads may be images that the network has normalised itself; where it reads vectors, its
/// channels are pixels, and the images themselves say more.
void HealthProbe::add_input(const Tensor& pixels) {
  const Tensor first = value(watched_.layers.front().input);
  const Tensor& images = first.shape().rank() == 4 ? first : pixels;
  sums_->input.add(channel_moments(images));
  const auto count = static_cast<std::size_t>(batch_);
  const std::span<const float> values = images.data<float>();
  const std::size_t size = values.size() / count;
  std::vector<double> mean(size);
  for (std::size_t n = 0; n < count; ++n) {
    const std::span<const float> image = values.subspan(n * size, size);
    for (std::size_t i = 0; i < size; ++i) mean[i] += image[i] / static_cast<double>(count);
    const std::size_t channels = static_cast<std::size_t>(images.shape().c()), area = size / channels;
    const bool one_colour = area > 1 && part_of(channels, [&](std::size_t c) {
                                          const auto plane = image.subspan(c * area, area);
                                          const auto [low, high] = std::ranges::minmax(plane);
                                          return high - low <= 1e-6f * std::max(std::abs(low), std::abs(high));
                                        }) == 1;
    sums_->constant += one_colour ? 1 : 0;
    sums_->repeated += sums_->seen.insert(hash_of(image)).second ? 0 : 1;
  }
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t i = 0; i < size; ++i) {
      const double difference = values[n * size + i] - mean[i];
      sums_->between += difference * difference;
    }
  sums_->images += batch_;
}

void HealthProbe::add_layers() {
  for (std::size_t index = 0; index < watched_.layers.size(); ++index) {
    const WatchedLayer& layer = watched_.layers[index];
    Sums::Layer& sums = sums_->layers[index];
    sums.raw.add(channel_moments(value(raw_[index])));
    sums.activation.add(channel_moments(value(layer.output)));
    if (const std::optional<Tensor> dx = gradient(layer.input)) sums.dx += squares_of(*dx);
  }
  for (std::size_t index = 0; index < relus_.size(); ++index) sums_->relus[index].add(value(relus_[index].output));
  for (std::size_t index = 0; index < sigmoids_.size(); ++index)
    sums_->saturated[index] += saturated_part(value(sigmoids_[index].output));
}

void HealthProbe::add_norms() {
  for (std::size_t index = 0; index < norms_.size(); ++index) {
    Sums::Norm& sums = sums_->norms[index];
    const Tensor mean = value(norms_[index].mean), var = value(norms_[index].var);
    const auto channels = static_cast<std::size_t>(mean.elements());
    sums.mean.resize(channels);
    sums.var.resize(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      sums.mean[c] += mean.data<float>()[c];
      sums.var[c] += var.data<float>()[c];
    }
  }
}

void HealthProbe::add_blocks() {
  for (std::size_t index = 0; index < watched_.blocks.size(); ++index) {
    const WatchedBlock& block = watched_.blocks[index];
    Sums::Block& sums = sums_->blocks[index];
    sums.branch += squares_of(value(block.branch));
    sums.shortcut += squares_of(value(block.shortcut));
    if (const std::optional<Tensor> dx = gradient(block.branch_input)) sums.dx_branch += squares_of(*dx);
    if (const std::optional<Tensor> dx = gradient(block.shortcut_input)) sums.dx_shortcut += squares_of(*dx);
  }
}

void HealthProbe::add_parameters() {
  for (std::size_t index = 0; index < parameters_.size(); ++index) {
    const std::optional<Tensor> dw = gradient(parameters_[index]);
    if (!dw) continue;
    Sums::Parameter& sums = sums_->parameters[index];
    sums.squares += squares_of(*dw);
    sums.sum.resize(static_cast<std::size_t>(dw->elements()));
    for (std::size_t i = 0; i < sums.sum.size(); ++i) sums.sum[i] += dw->data<float>()[i];
  }
}

void HealthProbe::add_output(const Tensor& labels) {
  const Tensor logits = program_->output("logits"), probabilities = program_->output("probabilities");
  const auto classes = static_cast<std::size_t>(logits.shape()[1]);
  const double images = static_cast<double>(batch_);
  sums_->loss += program_->output("loss").data<float>()[0];
  sums_->top1 += static_cast<double>(count_correct(logits, labels, batch_)) / images;
  for (std::size_t n = 0; n < static_cast<std::size_t>(batch_); ++n) {
    const auto row = logits.data<float>().subspan(n * classes, classes);
    const auto shares = probabilities.data<float>().subspan(n * classes, classes);
    double sum = 0, squares = 0;
    bool negative = false;
    for (const float x : row) {
      sum += x;
      squares += static_cast<double>(x) * x;
      negative |= x < 0;
      sums_->zero_logits += x == 0 ? 1 : 0;
      sums_->finite &= std::isfinite(x);
    }
    const double mean = sum / static_cast<double>(classes);
    sums_->spread += std::max(0.0, squares / static_cast<double>(classes) - mean * mean) / images;
    sums_->probabilities &= !negative && std::abs(sum - 1) < 1e-3;
    sums_->confidence += static_cast<double>(std::ranges::max(shares)) / images;
    const int32_t label = labels.data<int32_t>()[n];
    if (label >= 0 && static_cast<std::size_t>(label) < classes) ++sums_->labels[static_cast<std::size_t>(label)];
  }
}

}  // namespace resnet
