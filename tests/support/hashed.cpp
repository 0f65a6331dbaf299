#include "support/hashed.hpp"

#include <cmath>

namespace resnet::test {

uint64_t digest(const std::string& text) {
  uint64_t key = 0xcbf29ce484222325;
  for (const char byte : text) key = (key ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return key;
}

std::vector<double> hashed(const std::string& name, int64_t count) {
  const uint64_t key = digest(name);
  std::vector<double> values(static_cast<std::size_t>(count));
  for (uint64_t k = 1; k <= static_cast<uint64_t>(count); ++k) {
    uint64_t z = key + k * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    values[k - 1] = static_cast<double>(z >> 40) * std::ldexp(1.0, -23) - 1;
  }
  return values;
}

}  // namespace resnet::test
