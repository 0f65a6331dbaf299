#include "data/split.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

namespace resnet {
namespace {

static_assert(std::endian::native == std::endian::little, "content_hash reads pixels in groups of eight");

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

using Hashed = std::pair<uint64_t, int64_t>;  // hash, index

std::vector<std::vector<Hashed>> hashes_by_class(const Dataset& dataset) {
  std::vector<std::vector<Hashed>> hashed(dataset.classes().size());
  for (int64_t index = 0; index < dataset.size(); ++index)
    hashed[static_cast<std::size_t>(dataset.label(index))].emplace_back(dataset.hash(index), index);
  for (std::vector<Hashed>& of_class : hashed) std::sort(of_class.begin(), of_class.end());
  return hashed;
}

}  // namespace

uint64_t content_hash(std::span<const uint8_t> pixels, int label) {
  uint64_t hash = mix(0x9e3779b97f4a7c15u ^ static_cast<uint64_t>(label));
  std::size_t at = 0;
  for (; at + 8 <= pixels.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, pixels.data() + at, 8);
    hash = mix(hash ^ word) + 0x9e3779b97f4a7c15u;
  }
  for (; at < pixels.size(); ++at) hash = mix(hash ^ pixels[at]) + 0x9e3779b97f4a7c15u;
  return mix(hash ^ pixels.size());
}

SplitIndices split_by_hash(const Dataset& dataset, double fraction) {
  if (!(fraction > 0 && fraction < 1))
    fail_usage("the validation part is ", fraction, " of the training images, expected between 0 and 1");
  if (dataset.size() < 2)
    fail_data("a data set of ", dataset.size(), " images cannot be split; expected at least 2, or a test part");
  SplitIndices split;
  const std::vector<std::vector<Hashed>> hashed = hashes_by_class(dataset);
  for (const std::vector<Hashed>& of_class : hashed) {
    const auto share = static_cast<std::size_t>(std::lround(fraction * static_cast<double>(of_class.size())));
    for (std::size_t i = 0; i < of_class.size(); ++i)
      (i < share ? split.validation : split.train).push_back(of_class[i].second);
  }
  // Classes too small for a share of their own: one image moves over, so that neither part is empty.
  auto& [train, validation] = split;
  if (validation.empty() || train.empty()) {
    std::vector<int64_t>& from = validation.empty() ? train : validation;
    (validation.empty() ? validation : train).push_back(from.back());
    from.pop_back();
  }
  std::sort(train.begin(), train.end());
  std::sort(validation.begin(), validation.end());
  return split;
}

}  // namespace resnet
