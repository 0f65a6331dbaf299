// Random numbers as pure functions of a key: no global state, the same numbers for any number of threads.
// Generator: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

namespace resnet {

/// Block `counter` of the stream `key`: four independent 32-bit numbers.
std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter);

/// A key for a named stream: keys of different (seed, name, indices) are unrelated.
uint64_t stream_key(uint64_t seed, std::string_view name, std::initializer_list<uint64_t> indices = {});

/// A named stream of random numbers, for example Rng(seed, "crop", {epoch, image}).
class Rng {
 public:
  explicit Rng(uint64_t key) : key_(key) {}
  Rng(uint64_t seed, std::string_view name, std::initializer_list<uint64_t> indices = {})
      : key_(stream_key(seed, name, indices)) {}

  uint32_t bits32();
  uint64_t bits64();
  /// Uniform in [0, 1) with 53 random bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in 0 .. count - 1, without bias. count > 0.
  int64_t below(int64_t count);
  /// True with the given probability.
  bool chance(double probability) { return uniform() < probability; }
  /// Standard normal (Box-Muller).
  double normal();

  /// Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t last = items.size(); last > 1; --last)
      std::swap(items[last - 1], items[static_cast<std::size_t>(below(static_cast<int64_t>(last)))]);
  }

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

}  // namespace resnet
