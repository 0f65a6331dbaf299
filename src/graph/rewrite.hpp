// How a pass writes its result: a second graph is filled node by node, and old values are mapped to new ones.
#pragma once

#include "graph/graph.hpp"

#include <vector>

namespace resnet {

class Rewriter {
 public:
  /// Copies inputs and state at once, so that they keep their order; nodes follow as the pass decides.
  enum class UnusedState { keep, drop };
  explicit Rewriter(const Graph& source, UnusedState unused = UnusedState::keep);

  const Graph& source() const { return source_; }
  Graph& result() { return result_; }
  /// The new value for an old one. Error: it has not been written yet.
  Value operator[](Value old) const;
  bool has(Value old) const { return bool(map_[static_cast<std::size_t>(old.id)]); }
  void map(Value old, Value fresh) { map_[static_cast<std::size_t>(old.id)] = fresh; }
  std::vector<Value> mapped(const std::vector<Value>& old) const;
  /// Writes `node` as it is.
  void copy(const Node& node);
  /// Copies outputs, and those updates whose next value was written, and returns the new graph.
  Graph finish();

 private:
  const Graph& source_;
  Graph result_;
  std::vector<Value> map_;
};

}  // namespace resnet
