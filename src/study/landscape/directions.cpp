#include "study/landscape/directions.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

double norm_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  return std::sqrt(sum);
}

void add(Tensor& to, const Direction& direction, const std::string& name, double step) {
  const auto found = direction.find(name);
  if (found == direction.end()) return;
  const std::span<float> numbers = to.data<float>();
  const std::span<const float> change = found->second.data<float>();
  for (std::size_t k = 0; k < numbers.size(); ++k)
    numbers[k] = static_cast<float>(double{numbers[k]} + step * double{change[k]});
}

}  // namespace

Direction filter_normalised_direction(const ModelSpec& spec, const State& state, uint64_t seed, uint64_t index) {
  const Graph graph = forward_graph(spec, 1, Mode::inference);
  Direction direction;
  for (const Value parameter : graph.parameters()) {
    const ValueInfo& info = graph[parameter];
    if (info.shape.rank() < 2) continue;
    Tensor change(info.shape);
    Rng rng(seed, "landscape." + info.name, {index});
    for (float& value : change.data<float>()) value = static_cast<float>(rng.normal());
    const auto filters = static_cast<std::size_t>(info.shape[0]);
    const std::size_t size = change.data<float>().size() / filters;
    for (std::size_t filter = 0; filter < filters; ++filter) {
      const std::span<float> own = change.data<float>().subspan(filter * size, size);
      const double scale = norm_of(state.at(info.name).data<float>().subspan(filter * size, size)) / norm_of(own);
      for (float& value : own) value = static_cast<float>(double{value} * scale);
    }
    direction.emplace(info.name, std::move(change));
  }
  return direction;
}

void move(State& moved, const State& state, const Direction& a, double x, const Direction& b, double y) {
  for (const auto& [name, tensor] : state.tensors()) {
    Tensor& to = moved.at(name);
    std::ranges::copy(tensor.bytes(), to.bytes().begin());
    add(to, a, name, x);
    add(to, b, name, y);
  }
  moved.touch();
}

void move_between(State& moved, const State& a, const State& b, double t) {
  for (const auto& [name, tensor] : a.tensors()) {
    const std::span<const float> from = tensor.data<float>(), to = b.at(name).data<float>();
    const std::span<float> result = moved.at(name).data<float>();
    const bool variance = name.ends_with("running_var");
    for (std::size_t k = 0; k < result.size(); ++k) {
      const double value = (1 - t) * double{from[k]} + t * double{to[k]};
      result[k] = static_cast<float>(variance ? std::max(value, 0.0) : value);
    }
  }
  moved.touch();
}

}  // namespace resnet
