#include "data/augment/mix.hpp"

#include "data/augment/draws.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

namespace resnet {
namespace {

Mix draw_cutmix(double alpha, int height, int width, Rng& rng) {
  const double half = 0.5 * std::sqrt(1 - draw_beta(alpha, rng));
  const int centre_x = static_cast<int>(rng.below(width)), centre_y = static_cast<int>(rng.below(height));
  const int half_width = static_cast<int>(half * width), half_height = static_cast<int>(half * height);
  const int left = std::max(centre_x - half_width, 0), right = std::min(centre_x + half_width, width);
  const int top = std::max(centre_y - half_height, 0), bottom = std::min(centre_y + half_height, height);
  const Rectangle window{.top = top, .left = left, .height = bottom - top, .width = right - left};
  const double area = static_cast<double>(window.height) * window.width;
  return {.share = 1 - area / (static_cast<double>(height) * width), .window = window};
}

/// image = share * image + (1 - share) * other, or other inside the window; both [C, H, W].
void join(const Mix& mix, const Shape& shape, std::span<float> image, std::span<const float> other) {
  if (!mix.window) {
    const auto share = static_cast<float>(mix.share), rest = static_cast<float>(1 - mix.share);
    for (std::size_t at = 0; at < image.size(); ++at) image[at] = share * image[at] + rest * other[at];
    return;
  }
  const Rectangle& window = *mix.window;
  for (int64_t c = 0; c < shape[1]; ++c)
    for (int row = window.top; row < window.top + window.height; ++row) {
      const int64_t at = (c * shape[2] + row) * shape[3] + window.left;
      std::copy_n(other.begin() + at, window.width, image.begin() + at);
    }
}

}  // namespace

Mix draw_mix(double mixup, double cutmix, int height, int width, Rng& rng) {
  assert(mixup > 0 || cutmix > 0);
  const bool cut = cutmix > 0 && (mixup <= 0 || rng.chance(0.5));
  return cut ? draw_cutmix(cutmix, height, width, rng) : Mix{.share = draw_beta(mixup, rng)};
}

void mix_batch(const Mix& mix, const Shape& shape, std::span<float> images, std::span<int32_t> labels, int classes,
               std::span<float> targets) {
  const auto count = labels.size();
  assert(static_cast<int64_t>(count) == shape[0] && targets.size() == count * static_cast<std::size_t>(classes));
  if (count == 0) return;
  const std::size_t elements = images.size() / count;
  const auto image = [&](std::size_t n) { return images.subspan(n * elements, elements); };
  // From the last to the first, so that the image before is still as it was; the first one needs a copy of the last.
  const std::vector<float> last(image(count - 1).begin(), image(count - 1).end());
  for (std::size_t n = count - 1; n > 0; --n) join(mix, shape, image(n), image(n - 1));
  join(mix, shape, image(0), last);

  std::ranges::fill(targets, 0.0f);
  const std::vector<int32_t> own(labels.begin(), labels.end());
  for (std::size_t n = 0; n < count; ++n) {
    const int32_t other = own[(n + count - 1) % count];
    const std::span<float> row =
        targets.subspan(n * static_cast<std::size_t>(classes), static_cast<std::size_t>(classes));
    row[static_cast<std::size_t>(own[n])] += static_cast<float>(mix.share);
    row[static_cast<std::size_t>(other)] += static_cast<float>(1 - mix.share);
    labels[n] = mix.share >= 0.5 ? own[n] : other;
  }
}

}  // namespace resnet
