// Numbers from an integer hash, the same here and in hashed.py: fixtures need not hold weights and images.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace resnet::test {

/// FNV-1a, 64 bits.
uint64_t digest(const std::string& text);

/// `count` numbers in [-1, 1), multiples of 2^-23: the digest of the name keys a splitmix64 sequence.
std::vector<double> hashed(const std::string& name, int64_t count);

}  // namespace resnet::test
