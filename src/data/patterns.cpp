#include "base/error.hpp"
#include "base/random.hpp"
#include "data/builtin.hpp"
#include "data/generate.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr double ground = 64, line_height = 128;

// Whether the line of a class covers a pixel. The notebook's 8x8 images have it in row 2, in column 3, or from corner
// to corner.
bool on_line(int label, int64_t row, int64_t column, int64_t size, int64_t shift) {
  switch (label) {
    case 0: return row == size / 4 + shift;
    case 1: return column == 3 * size / 8 + shift;
    default: return column == row + shift;
  }
}

void check(const PatternsOptions& options) {
  const std::string name = "builtin:patterns: ";
  if (options.size < 4 || options.size > 1024)
    fail_usage(name, "size is ", options.size, ", expected 4 to 1024 pixels");
  if (!(options.noise >= 0 && options.noise <= 10)) fail_usage(name, "noise is ", options.noise, ", expected 0 to 10");
  if (options.count < 3 || options.count > 10'000'000)
    fail_usage(name, "count is ", options.count, ", expected 3 to 10000000 images");
  if (options.jitter < 0 || options.jitter > options.size / 4)
    fail_usage(name, "jitter is ", options.jitter, ", expected 0 to ", options.size / 4, " (a quarter of the size)");
}

}  // namespace

DataSplit generate_patterns(const PatternsOptions& options, int threads) {
  check(options);
  const int64_t size = options.size;
  const auto part = [&](std::string_view name, int64_t count) {
    const auto draw = [&, name](int64_t index, int label, std::span<uint8_t> pixels) {
      Rng rng(options.seed, "patterns", {stream_key(0, name), static_cast<uint64_t>(index)});
      const int64_t shift = rng.below(2 * options.jitter + 1) - options.jitter;
      for (int64_t row = 0; row < size; ++row)
        for (int64_t column = 0; column < size; ++column) {
          const double noise = options.noise > 0 ? options.noise * rng.normal() : 0;
          const double value = (on_line(label, row, column, size, shift) ? 1 : 0) + noise;
          pixels[static_cast<std::size_t>(row * size + column)] =
              static_cast<uint8_t>(std::clamp(std::round(ground + line_height * value), 0.0, 255.0));
        }
    };
    return generate_images({"horizontal", "vertical", "diagonal"}, {1, size, size}, count, threads, draw);
  };
  DataSplit split;
  split.train = part("train", options.count);
  split.test = part("test", std::max<int64_t>(options.count / 4, 3));
  split.name = "patterns";
  split.preprocessing = {.channels = 1,
                         .height = options.size,
                         .width = options.size,
                         .mean = {static_cast<float>(ground / 255)},
                         .deviation = {static_cast<float>(line_height / 255)}};
  // Where the line lies, and which way the diagonal runs, is what the classes are made of.
  split.augmentation = {.pad = 0, .flip = false};
  return split;
}

}  // namespace resnet
