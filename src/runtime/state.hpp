// The one canonical copy of what lives between runs: weights (OIHW), running statistics, momenta. Executables of any
// batch size or mode share it; packed copies are private to a plan.
#pragma once

#include "base/tensor.hpp"
#include "graph/graph.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace resnet {

class State {
 public:
  /// The tensor of that name. Error: there is none.
  Tensor& at(const std::string& name);
  const Tensor& at(const std::string& name) const;
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  /// Adds or replaces. Executables compiled before a replacement must not be run again.
  void set(const std::string& name, Tensor tensor);
  /// In order of names.
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }

  /// Grows whenever contents may have changed; plans that keep packed weights pack again when it differs.
  uint64_t version() const { return version_; }
  void touch() { ++version_; }

 private:
  std::map<std::string, Tensor> tensors_;
  uint64_t version_ = 0;
};

/// Adds every state value of `graph` that `state` does not hold yet, started as its Init says; the numbers of a
/// parameter depend only on (seed, its name, its shape). `dtype` is f32, or f64 for the reference backend in double.
/// Error (bad model): a tensor is there with another shape or type.
void initialise(State& state, const Graph& graph, uint64_t seed, DType dtype = DType::f32);

}  // namespace resnet
