#include "runtime/memory_plan.hpp"

#include "base/tensor.hpp"

#include <algorithm>
#include <numeric>

namespace resnet {
namespace {

std::size_t aligned(std::size_t bytes) { return (bytes + buffer_alignment - 1) / buffer_alignment * buffer_alignment; }

struct Placed {
  std::size_t begin, end;
  int first, last;
};

// The lowest gap of `bytes` among those placed buffers that live at the same time. `placed` is sorted by begin.
std::size_t lowest_gap(const std::vector<Placed>& placed, const Lifetime& life, std::size_t bytes) {
  std::size_t offset = 0;
  for (const Placed& other : placed) {
    if (other.last < life.first || life.last < other.first) continue;
    if (other.begin >= offset + bytes) break;
    offset = std::max(offset, other.end);
  }
  return offset;
}

// The buffer that really owns the bytes, and where in it.
std::pair<int, std::size_t> owner_of(const std::vector<Lifetime>& lives, int index) {
  std::size_t offset = 0;
  while (lives[static_cast<std::size_t>(index)].alias_of >= 0) {
    offset += lives[static_cast<std::size_t>(index)].alias_offset;
    index = lives[static_cast<std::size_t>(index)].alias_of;
  }
  return {index, offset};
}

}  // namespace

// Largest first, each at its lowest free offset ("greedy by size", Pisarchyk & Lee 2020, arXiv 2001.03288).
MemoryPlan plan_memory(std::vector<Lifetime> lives, bool reuse) {
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (lives[i].alias_of < 0) continue;
    Lifetime& owner = lives[static_cast<std::size_t>(owner_of(lives, static_cast<int>(i)).first)];
    owner.first = std::min(owner.first, lives[i].first);
    owner.last = std::max(owner.last, lives[i].last);
  }
  std::vector<std::size_t> order(lives.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return lives[a].bytes > lives[b].bytes; });

  MemoryPlan plan{std::vector<std::size_t>(lives.size()), 0};
  std::vector<Placed> placed;
  for (std::size_t index : order) {
    const Lifetime& life = lives[index];
    if (life.alias_of >= 0) continue;
    const std::size_t bytes = aligned(life.bytes);
    const std::size_t offset = reuse ? lowest_gap(placed, life, bytes) : plan.bytes;
    plan.offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    if (!reuse) continue;
    const Placed here{offset, offset + bytes, life.first, life.last};
    placed.insert(std::ranges::upper_bound(placed, here.begin, {}, &Placed::begin), here);
  }
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (lives[i].alias_of < 0) continue;
    const auto [owner, offset] = owner_of(lives, static_cast<int>(i));
    plan.offsets[i] = plan.offsets[static_cast<std::size_t>(owner)] + offset;
  }
  return plan;
}

}  // namespace resnet
