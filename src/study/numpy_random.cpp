#include "study/numpy_random.hpp"

#include <cmath>
#include <utility>

namespace resnet {

double NumpyRandom::uniform() {
  const auto high = static_cast<double>(generator_() >> 5);  // 27 bits, then 26: the order of the calls matters
  const auto low = static_cast<double>(generator_() >> 6);
  return (high * 67108864.0 + low) / 9007199254740992.0;  // (high 2^26 + low) / 2^53
}

double NumpyRandom::normal() {
  if (std::exchange(has_spare_, false)) return spare_;
  for (;;) {
    const double x = 2 * uniform() - 1;
    const double y = 2 * uniform() - 1;
    const double square = x * x + y * y;
    if (square >= 1 || square == 0) continue;
    const double factor = std::sqrt(-2 * std::log(square) / square);
    spare_ = factor * x;
    has_spare_ = true;
    return factor * y;
  }
}

void NumpyRandom::fill_normal(std::span<double> values) {
  for (double& value : values) value = normal();
}

}  // namespace resnet
