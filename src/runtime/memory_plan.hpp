// Offsets in one arena from lifetimes alone. Knows nothing of graphs.
#pragma once

#include <cstddef>
#include <vector>

namespace resnet {

/// A buffer lives from step `first` to step `last`, both included. With `alias_of` >= 0 it is the part of that buffer
/// that starts `alias_offset` bytes in, and needs no room of its own (the owner's life is stretched to cover it).
struct Lifetime {
  std::size_t bytes = 0;
  int first = 0, last = 0;
  int alias_of = -1;
  std::size_t alias_offset = 0;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  // one per lifetime
  std::size_t bytes = 0;             // of the arena
};

/// Buffers whose lives overlap never share a byte; offsets are multiples of `buffer_alignment`. With `reuse` false
/// every buffer gets room of its own, to tell a planning fault from a kernel fault.
MemoryPlan plan_memory(std::vector<Lifetime> lifetimes, bool reuse = true);

}  // namespace resnet
