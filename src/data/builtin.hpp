// Data sets that are generated from a seed when they are opened: nothing is downloaded, nothing stored.
#pragma once

#include "data/dataset.hpp"

#include <cstdint>
#include <span>

namespace resnet {

/// Lines of the synthetic patterns of the notebook this project grew from: a horizontal, a vertical or a diagonal line
/// of value 1 on 0, plus Gaussian noise.
struct PatternsOptions {
  int size = 8;
  /// Standard deviation of the noise; the line is 1 above the ground.
  double noise = 0.1;
  /// Images for training; a quarter as many are made for testing.
  int64_t count = 3000;
  /// A line moves by up to this many pixels either way.
  int jitter = 0;
  uint64_t seed = 0;
};

/// Grey [1, size, size] images of the classes horizontal, vertical, diagonal, in turn. Pixel 64 stands for the
/// notebook's 0 and 192 for its 1, which leaves room for noise on both sides; the preprocessing maps them back.
/// Error (usage): an option out of its range.
DataSplit generate_patterns(const PatternsOptions& options, int threads);

/// Ten outlines on 32x32 colour images at a random place, size and rotation, in random colours on a textured ground
/// among clutter, partly covered, with noise. Labels take turns, so classes are balanced.
struct ShapesOptions {
  int64_t train = 16000, test = 4000;
  uint64_t seed = 0;
};
DataSplit generate_shapes(const ShapesOptions& options, int threads);

/// Image `index` of the stream `part` ("train" or "test"): pixels [3, 32, 32] of outline `label`.
void render_shape(uint64_t seed, std::string_view part, int64_t index, int label, std::span<uint8_t> pixels);

}  // namespace resnet
