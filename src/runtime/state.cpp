#include "runtime/state.hpp"

#include "base/error.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

// The fan of a weight [O, I, ...]: what one output sees (in) or one input feeds (out).
double fan_in(const Shape& w) { return static_cast<double>(w.elements() / w[0]); }
double fan_out(const Shape& w) { return static_cast<double>(w.elements() / std::max<int64_t>(w.c(), 1)); }

// A bias [O] takes the fan of the weight beside it, as torch.nn.Linear does.
double fan_in_of(const Graph& graph, const ValueInfo& value) {
  if (value.shape.rank() > 1) return fan_in(value.shape);
  const std::string weight = value.name.substr(0, value.name.rfind('.')) + ".weight";
  const std::optional<Value> found = graph.find(weight);
  return found ? fan_in(graph[*found].shape) : static_cast<double>(value.shape.elements());
}

template <class T>
void fill(Tensor& tensor, const Graph& graph, const ValueInfo& value, uint64_t seed) {
  Rng rng(seed, "init." + value.name);
  const auto normal = [&](double fan) {
    for (T& x : tensor.data<T>()) x = static_cast<T>(rng.normal() * std::sqrt(2 / fan));
  };
  switch (value.init) {
    case Init::zeros: return;
    case Init::ones: std::ranges::fill(tensor.data<T>(), T{1}); return;
    case Init::he_normal_fan_out: return normal(fan_out(value.shape));
    case Init::he_normal_fan_in: return normal(fan_in_of(graph, value));
    case Init::uniform_fan_in: {
      const double bound = 1 / std::sqrt(fan_in_of(graph, value));
      for (T& x : tensor.data<T>()) x = static_cast<T>(rng.uniform(-bound, bound));
    }
  }
}

}  // namespace

Tensor& State::at(const std::string& name) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail("state: there is no tensor '", name, "'");
  return found->second;
}

const Tensor& State::at(const std::string& name) const { return const_cast<State*>(this)->at(name); }

void State::set(const std::string& name, Tensor tensor) {
  tensors_.insert_or_assign(name, std::move(tensor));
  touch();
}

void initialise(State& state, const Graph& graph, uint64_t seed, DType dtype) {
  for (const ValueInfo& value : graph.values()) {
    if (value.kind == ValueKind::computed || value.kind == ValueKind::input) continue;
    if (state.contains(value.name)) {
      const Tensor& held = state.at(value.name);
      if (!(held.shape() == value.shape) || held.dtype() != dtype)
        fail_model("weight '", value.name, "' expects ", value.shape, " ", dtype, ", got ", held.shape(), " ",
                   held.dtype());
      continue;
    }
    Tensor tensor(value.shape, dtype);
    if (dtype == DType::f64)
      fill<double>(tensor, graph, value, seed);
    else
      fill<float>(tensor, graph, value, seed);
    state.set(value.name, std::move(tensor));
  }
}

}  // namespace resnet
