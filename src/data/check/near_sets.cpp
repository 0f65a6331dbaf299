// The search for nearly equal pictures: multi-index hashing (Norouzi et al. 2012). Signs that differ in at most seven
// of 64 places agree in one of eight groups, so only pictures that share a group are looked at.
#include "data/check/fingerprint.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

namespace resnet {
namespace {

constexpr int most_different_signs = 12;  // pairs with more are not worth a comparison
constexpr std::size_t full_search = 4096, neighbours = 64;

/// Disjoint sets; the smaller index is the head, so that the order of unions does not show.
class DisjointSets {
 public:
  explicit DisjointSets(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t head_of(std::size_t item) {
    while (parent_[item] != item) item = parent_[item] = parent_[parent_[item]];
    return item;
  }
  void join(std::size_t a, std::size_t b) {
    a = head_of(a);
    b = head_of(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

class Search {
 public:
  explicit Search(std::span<const Fingerprint* const> all) : all_(all), sets_(all.size()) {}

  void compare_bucket(std::vector<std::size_t>& bucket) {
    const bool all_pairs = bucket.size() <= full_search;
    if (!all_pairs) std::ranges::sort(bucket, {}, [&](std::size_t item) { return std::pair(all_[item]->signs, item); });
    for (std::size_t a = 0; a < bucket.size(); ++a) {
      const std::size_t end = all_pairs ? bucket.size() : std::min(bucket.size(), a + 1 + neighbours);
      for (std::size_t b = a + 1; b < end; ++b) compare(bucket[a], bucket[b]);
    }
  }

  std::vector<std::vector<int64_t>> sets() {
    std::map<std::size_t, std::vector<int64_t>> members;
    for (std::size_t item = 0; item < all_.size(); ++item)
      if (all_[item]->textured) members[sets_.head_of(item)].push_back(static_cast<int64_t>(item));
    std::vector<std::vector<int64_t>> found;
    for (auto& [head, items] : members)
      if (items.size() > 1) found.push_back(std::move(items));
    return found;
  }

 private:
  void compare(std::size_t a, std::size_t b) {
    if (std::popcount(all_[a]->signs ^ all_[b]->signs) > most_different_signs) return;
    if (sets_.head_of(a) != sets_.head_of(b) && nearly_equal(*all_[a], *all_[b])) sets_.join(a, b);
  }

  std::span<const Fingerprint* const> all_;
  DisjointSets sets_;
};

}  // namespace

std::vector<std::vector<int64_t>> near_sets(std::span<const Fingerprint* const> fingerprints) {
  Search search(fingerprints);
  for (int group = 0; group < 8; ++group) {
    std::array<std::vector<std::size_t>, 256> buckets;
    for (std::size_t item = 0; item < fingerprints.size(); ++item)
      if (fingerprints[item]->textured) buckets[(fingerprints[item]->signs >> (8 * group)) & 0xff].push_back(item);
    for (std::vector<std::size_t>& bucket : buckets) search.compare_bucket(bucket);
  }
  return search.sets();
}

}  // namespace resnet
