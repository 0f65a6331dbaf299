// NumPy's legacy generator, so that a study can draw the very numbers of a notebook: numpy.random.RandomState(seed),
// which is what numpy.random.seed(seed) and numpy.random.randn() use.
#pragma once

#include <cstdint>
#include <random>
#include <span>

namespace resnet {

/// MT19937 (Matsumoto & Nishimura 1998) started by init_genrand, doubles of 53 bits, normals by Marsaglia's polar
/// method in pairs (numpy/random/src/legacy/legacy-distributions.c, legacy_gauss).
class NumpyRandom {
 public:
  /// RandomState takes seeds below 2^32 only.
  explicit NumpyRandom(uint32_t seed) : generator_(seed) {}

  /// random_sample(): uniform in [0, 1).
  double uniform();
  /// randn(): standard normal.
  double normal();
  /// randn(shape): row-major.
  void fill_normal(std::span<double> values);

 private:
  std::mt19937 generator_;  // the standard fixes its seeding to init_genrand
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace resnet
