#include "data/augment/draws.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace resnet {
namespace {

constexpr int tries = 10;

// Python's round(): halves go to the even number, which is the rounding mode of a C++ program.
int rounded(double value) { return static_cast<int>(std::nearbyint(value)); }

double log_uniform(const Range& range, Rng& rng) {
  return std::exp(rng.uniform(std::log(range.low), std::log(range.high)));
}

int offset(int room, Rng& rng) { return static_cast<int>(rng.below(int64_t{room} + 1)); }

Rectangle central_part(int height, int width, const Range& ratio) {
  const double own = static_cast<double>(width) / height;
  Rectangle part{.height = height, .width = width};
  if (own < ratio.low) part.height = rounded(width / ratio.low);
  if (own > ratio.high) part.width = rounded(height * ratio.high);
  part.height = std::clamp(part.height, 1, height);
  part.width = std::clamp(part.width, 1, width);
  part.top = (height - part.height) / 2;
  part.left = (width - part.width) / 2;
  return part;
}

/// log of a Gamma(alpha, 1) number (Marsaglia and Tsang 2000), which a small alpha cannot make underflow.
double draw_log_gamma(double alpha, Rng& rng) {
  if (alpha < 1) return draw_log_gamma(alpha + 1, rng) + std::log(1 - rng.uniform()) / alpha;
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = rng.normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

}  // namespace

Rectangle draw_resized_crop(int height, int width, const Range& area, const Range& ratio, Rng& rng) {
  const double whole = static_cast<double>(height) * width;
  for (int attempt = 0; attempt < tries; ++attempt) {
    const double target = whole * rng.uniform(area.low, area.high), shape = log_uniform(ratio, rng);
    const int w = rounded(std::sqrt(target * shape)), h = rounded(std::sqrt(target / shape));
    if (w <= 0 || w > width || h <= 0 || h > height) continue;
    const int top = offset(height - h, rng), left = offset(width - w, rng);
    return {.top = top, .left = left, .height = h, .width = w};
  }
  return central_part(height, width, ratio);
}

Rectangle draw_padded_crop(int height, int width, int pad, Rng& rng) {
  if (pad == 0) return {.height = height, .width = width};
  const int top = offset(2 * pad, rng) - pad, left = offset(2 * pad, rng) - pad;
  return {.top = top, .left = left, .height = height, .width = width};
}

std::optional<Rectangle> draw_erasing(int height, int width, double probability, Rng& rng) {
  if (!rng.chance(probability)) return std::nullopt;
  const double whole = static_cast<double>(height) * width;
  for (int attempt = 0; attempt < tries; ++attempt) {
    const double target = whole * rng.uniform(0.02, 0.33), shape = log_uniform({0.3, 3.3}, rng);
    const int h = rounded(std::sqrt(target * shape)), w = rounded(std::sqrt(target / shape));
    if (h >= height || w >= width) continue;
    const int top = offset(height - h, rng), left = offset(width - w, rng);
    return Rectangle{.top = top, .left = left, .height = h, .width = w};
  }
  return std::nullopt;
}

Image jitter_colours(Image image, const ColourJitter& jitter, Rng& rng) {
  std::array<int, 4> order = {0, 1, 2, 3};
  rng.shuffle(std::span<int>(order));
  const auto factor = [&](double reach) { return rng.uniform(std::max(0.0, 1 - reach), 1 + reach); };
  const double brightness = factor(jitter.brightness), contrast = factor(jitter.contrast);
  const double saturation = factor(jitter.saturation), hue = rng.uniform(-jitter.hue, jitter.hue);
  for (const int change : order) {
    if (change == 0 && jitter.brightness > 0) image = adjust_brightness(std::move(image), brightness);
    if (change == 1 && jitter.contrast > 0) image = adjust_contrast(std::move(image), contrast);
    if (change == 2 && jitter.saturation > 0) image = adjust_saturation(std::move(image), saturation);
    if (change == 3 && jitter.hue > 0) image = adjust_hue(std::move(image), hue);
  }
  return image;
}

std::array<float, 3> draw_lighting(double deviation, Rng& rng) {
  // Eigenvalues and eigenvectors (columns) of ImageNet's covariance of red, green and blue, from fb.resnet.torch.
  constexpr std::array<double, 3> values = {0.2175, 0.0188, 0.0045};
  constexpr double vectors[3][3] = {{-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
  std::array<double, 3> amounts{};
  for (std::size_t k = 0; k < 3; ++k) amounts[k] = deviation * rng.normal() * values[k];
  std::array<float, 3> shift{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    double sum = 0;
    for (std::size_t k = 0; k < 3; ++k) sum += vectors[channel][k] * amounts[k];
    shift[channel] = static_cast<float>(sum);
  }
  return shift;
}

double draw_beta(double alpha, Rng& rng) {
  const double log_a = draw_log_gamma(alpha, rng), log_b = draw_log_gamma(alpha, rng);
  return 1 / (1 + std::exp(log_b - log_a));
}

}  // namespace resnet
