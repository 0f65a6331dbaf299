#include "base/random.hpp"

#include <cassert>
#include <cmath>
#include <numbers>

namespace resnet {
namespace {

// SplitMix64's finaliser (Steele et al. 2014): a bijection that spreads every input bit.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter) {
  uint32_t x0 = static_cast<uint32_t>(counter), x1 = static_cast<uint32_t>(counter >> 32), x2 = 0, x3 = 0;
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * x0;
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * x2;
    x0 = static_cast<uint32_t>(product1 >> 32) ^ x1 ^ k0;
    x1 = static_cast<uint32_t>(product1);
    x2 = static_cast<uint32_t>(product0 >> 32) ^ x3 ^ k1;
    x3 = static_cast<uint32_t>(product0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {x0, x1, x2, x3};
}

uint64_t stream_key(uint64_t seed, std::string_view name, std::initializer_list<uint64_t> indices) {
  uint64_t key = mix(seed);
  for (char letter : name) key = mix(key ^ static_cast<unsigned char>(letter));
  for (uint64_t index : indices) key = mix(key ^ mix(index));
  return key;
}

uint32_t Rng::bits32() {
  if (used_ == 4) {
    block_ = philox(key_, counter_++);
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

uint64_t Rng::bits64() {
  const uint64_t high = bits32();
  return high << 32 | bits32();
}

double Rng::uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

int64_t Rng::below(int64_t count) {
  assert(count > 0);
  const uint64_t bound = static_cast<uint64_t>(count);
  const uint64_t unbiased = ~uint64_t{0} - ~uint64_t{0} % bound;  // a multiple of bound
  uint64_t bits = bits64();
  while (bits >= unbiased) bits = bits64();
  return static_cast<int64_t>(bits % bound);
}

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_normal_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

}  // namespace resnet
