#include "runtime/harness.hpp"

#include "base/error.hpp"
#include "base/random.hpp"
#include "graph/differentiate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

namespace resnet {
namespace {

constexpr double kink_margin = 0.008;

std::vector<Value> add_operands(Graph& graph, const OpCase& row) {
  std::vector<Value> values;
  for (const Operand& operand : row.operands) {
    const std::string name = text_of("x", values.size());
    values.push_back(operand.kind == ValueKind::input ? graph.add_input(name, operand.shape, operand.dtype())
                                                      : graph.add_state(operand.kind, name, operand.shape));
  }
  return values;
}

void add_updates(Graph& graph, const Op& op, const std::vector<Value>& x, const std::vector<Value>& y) {
  if (std::holds_alternative<UpdateRunning>(op)) graph.add_update(x[0], y[0]);
  if (std::holds_alternative<Sgd>(op)) {
    graph.add_update(x[0], y[0]);
    graph.add_update(x[2], y[1]);
  }
}

/// The op without its fused ReLU, if it has one.
std::optional<Op> without_relu(const Op& op) {
  return std::visit(
      [](auto copy) -> std::optional<Op> {
        if constexpr (requires { copy.relu; }) {
          if (std::exchange(copy.relu, false)) return Op(copy);
        }
        return std::nullopt;
      },
      op);
}

// Values -(n - 1), ..., n - 3, n - 1 in random order, times 0.01.
void draw_spaced(std::span<float> x, int shift, Rng& rng) {
  std::vector<int64_t> multiples(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    multiples[i] = 2 * (static_cast<int64_t>(i) - static_cast<int64_t>(x.size() / 2)) + shift;
  rng.shuffle(std::span(multiples));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.01f * static_cast<float>(multiples[i]);
}

void draw_probabilities(const Shape& shape, std::span<float> x, Rng& rng) {
  const auto classes = static_cast<std::size_t>(shape.c());
  for (std::size_t row = 0; row < x.size(); row += classes) {
    const std::span<float> q = x.subspan(row, classes);
    for (float& share : q) share = static_cast<float>(rng.uniform(0.1, 1));
    const float total = std::accumulate(q.begin(), q.end(), 0.0f);
    for (float& share : q) share /= total;
  }
}

void draw_floats(Draw how, const Shape& shape, std::span<float> x, Rng& rng) {
  if (how == Draw::spaced) return draw_spaced(x, 1, rng);
  if (how == Draw::even) return draw_spaced(x, 0, rng);
  if (how == Draw::probabilities) return draw_probabilities(shape, x, rng);
  for (float& element : x) {
    if (how == Draw::positive) {
      element = static_cast<float>(rng.uniform(0.5, 1.5));
    } else {
      element = static_cast<float>(rng.normal() + (how == Draw::offset ? 100 : 0));
    }
  }
}

Tensor draw(const Operand& operand, Rng& rng) {
  Tensor tensor(operand.shape, operand.dtype());
  switch (operand.draw) {
    case Draw::labels:
      for (int32_t& label : tensor.data<int32_t>()) label = static_cast<int32_t>(rng.below(operand.classes));
      break;
    case Draw::given: std::ranges::copy(operand.given, tensor.data<int32_t>().begin()); break;
    case Draw::key: tensor.data<int64_t>()[0] = static_cast<int64_t>(rng.bits64()); break;
    default: draw_floats(operand.draw, operand.shape, tensor.data<float>(), rng);
  }
  return tensor;
}

bool near_a_kink(const OpCase& row, const Values& values) {
  const std::optional<Op> smooth = without_relu(row.op);
  if (!smooth || !row.gradient) return false;
  const Values y = run(forward_graph({row.name, *smooth, row.operands, false}), values, in_double);
  return std::ranges::any_of(y.at("y0").data<double>(), [](double x) { return std::abs(x) < kink_margin; });
}

double element(const Tensor& tensor, std::size_t index) {
  switch (tensor.dtype()) {
    case DType::f64: return tensor.data<double>()[index];
    case DType::i32: return tensor.data<int32_t>()[index];
    default: return static_cast<double>(tensor.data<float>()[index]);
  }
}

}  // namespace

Graph forward_graph(const OpCase& row) {
  Graph graph;
  const std::vector<Value> x = add_operands(graph, row);
  const std::vector<Value> y = graph.add_node(row.name, row.op, x);
  for (std::size_t i = 0; i < y.size(); ++i) graph.add_output(text_of("y", i), y[i]);
  add_updates(graph, row.op, x, y);
  return graph;
}

Graph training_graph(const OpCase& row) {
  Graph graph = forward_graph(row);
  if (!row.gradient) return graph;
  const Value y = *graph.find("y0");
  const Value dy = graph.add_input("dy", graph[y].shape);
  std::vector<Value> wanted;
  for (std::size_t i = 0; i < row.operands.size(); ++i)
    if (row.operands[i].differentiable) wanted.push_back(*graph.find(text_of("x", i)));
  for (const auto& [x, dx] : differentiate(graph, {{y, dy}}, wanted)) graph.add_output("d" + graph[x].name, dx);
  return graph;
}

namespace {

Graph low_precision_graph(const OpCase& row, bool backward) {
  Graph graph;
  const auto cast = [&](Value value, DType type) {
    return graph[value].dtype == type ? value : graph.add_node("cast", Cast{type}, {value})[0];
  };
  const std::vector<Value> x = add_operands(graph, row);
  std::vector<Value> images = x;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (row.operands[i].kind == ValueKind::input && row.operands[i].dtype() == DType::f32 &&
        graph[x[i]].shape.rank() > 1)
      images[i] = cast(x[i], DType::bf16);
  const std::vector<Value> y = graph.add_node(row.name, row.op, images);
  for (std::size_t i = 0; i < y.size(); ++i)
    graph.add_output(text_of("y", i), is_floating(graph[y[i]].dtype) ? cast(y[i], DType::f32) : y[i]);
  if (!backward) return graph;
  const Value dy = cast(graph.add_input("dy", graph[y[0]].shape), graph[y[0]].dtype);
  std::vector<Value> wanted;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (row.operands[i].differentiable) wanted.push_back(x[i]);
  for (const auto& [value, gradient] : differentiate(graph, {{y[0], dy}}, wanted))
    graph.add_output("d" + graph[value].name, gradient);
  return graph;
}

}  // namespace

Graph low_precision_graph(const OpCase& row) { return low_precision_graph(row, row.gradient); }
Graph low_precision_inference_graph(const OpCase& row) { return low_precision_graph(row, false); }

Values draw(const OpCase& row) {
  const Graph graph = forward_graph(row);
  for (uint64_t attempt = 0; attempt < 1000; ++attempt) {
    Rng rng(attempt, row.name);
    Values values;
    for (std::size_t i = 0; i < row.operands.size(); ++i) values.emplace(text_of("x", i), draw(row.operands[i], rng));
    values.emplace("dy", draw(data(graph[*graph.find("y0")].shape), rng));
    if (!near_a_kink(row, values)) return values;
  }
  fail(row.name, ": some value is always near the ReLU's kink; use a smaller shape");
}

Values draw(const Graph& graph, uint64_t seed, int64_t classes) {
  Values values;
  for (const ValueInfo& value : graph.values()) {
    if (value.kind == ValueKind::computed) continue;
    Rng rng(seed, value.name);
    const bool positive = value.shape.rank() == 1 && value.kind != ValueKind::momentum;
    const Draw how = value.dtype == DType::i32   ? Draw::labels
                     : value.dtype == DType::i64 ? Draw::key
                     : positive                  ? Draw::positive
                                                 : Draw::normal;
    Tensor tensor = draw(Operand{.shape = value.shape, .draw = how, .classes = classes}, rng);
    if (value.kind == ValueKind::parameter && value.shape.rank() > 1) {
      const double fan_in = static_cast<double>(value.shape.elements() / value.shape[0]);
      for (float& w : tensor.data<float>()) w *= static_cast<float>(std::sqrt(2 / fan_in));
    }
    values.emplace(value.name, std::move(tensor));
  }
  return values;
}

Values run(const Graph& graph, const Values& values, const CompileOptions& options) {
  State held;
  for (const ValueInfo& value : graph.values())
    if (value.kind != ValueKind::computed && value.kind != ValueKind::input)
      held.set(value.name, convert(values.at(value.name), options.compute));
  const std::unique_ptr<Executable> executable = compile(graph, held, options);
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::input) executable->set_input(value.name, values.at(value.name));
  executable->run();
  Values outputs;
  for (const Output& output : graph.outputs()) outputs.emplace(output.name, executable->output(output.name));
  return outputs;
}

double norm(const Tensor& tensor) {
  double sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.elements()); ++i)
    sum += element(tensor, i) * element(tensor, i);
  return std::sqrt(sum);
}

double distance(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.elements()); ++i) {
    const double difference = element(a, i) - element(b, i);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

bool same_bits(const Values& a, const Values& b) {
  return std::ranges::equal(a, b, [](const auto& left, const auto& right) {
    return left.first == right.first && std::ranges::equal(left.second.bytes(), right.second.bytes());
  });
}

void expect_close(const Values& got, const Values& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [name, want] : expected) {
    const Tensor& have = got.at(name);
    ASSERT_EQ(have.shape(), want.shape()) << name;
    // Where the exact result is zero, what is left is the rounding of terms of about 1.
    constexpr double rounding = std::numeric_limits<float>::epsilon();
    const double allowed = want.dtype() == DType::i32 ? 0 : tolerance * norm(want) + rounding;
    EXPECT_LE(distance(have, want), allowed) << name << " of norm " << norm(want);
  }
}

FiniteDifferences::FiniteDifferences(const Graph& graph, const Values& values, std::string output, const Tensor& seed)
    : output_(std::move(output)), seed_(convert(seed, DType::f64)) {
  for (const ValueInfo& value : graph.values())
    if (value.kind != ValueKind::computed && value.kind != ValueKind::input)
      state_.set(value.name, convert(values.at(value.name), DType::f64));
  executable_ = compile(graph, state_, in_double);
  for (const ValueInfo& value : graph.values()) {
    if (value.kind != ValueKind::input) continue;
    const Tensor& given = values.at(value.name);
    const Tensor input = is_floating(given.dtype()) ? convert(given, DType::f64) : given;
    executable_->set_input(value.name, input);
    inputs_.emplace(value.name, input);
  }
}

double FiniteDifferences::projection() const {
  const Tensor y = executable_->output(output_);
  const auto values = y.data<double>(), seeds = seed_.data<double>();
  return std::inner_product(values.begin(), values.end(), seeds.begin(), 0.0);
}

double FiniteDifferences::with_element(const std::string& name, int64_t index, double x) {
  const auto at = static_cast<std::size_t>(index);
  const auto input = inputs_.find(name);
  Tensor& tensor = input == inputs_.end() ? state_.at(name) : input->second;
  const double original = std::exchange(tensor.data<double>()[at], x);
  if (input == inputs_.end()) {
    state_.touch();
  } else {
    executable_->set_input(name, tensor);
  }
  executable_->run();
  const double result = projection();  // before the input is put back: an output may be a view of it
  tensor.data<double>()[at] = original;
  if (input != inputs_.end()) executable_->set_input(name, tensor);
  return result;
}

void FiniteDifferences::expect_gradient(const std::string& name, const Tensor& gradient, int samples, double step) {
  Rng rng(1, "samples." + name);
  std::vector<int64_t> elements(static_cast<std::size_t>(gradient.elements()));
  std::iota(elements.begin(), elements.end(), 0);
  rng.shuffle(std::span(elements));
  elements.resize(std::min(elements.size(), static_cast<std::size_t>(samples)));
  double error = 0, size = 0;
  for (const int64_t index : elements) {
    const double x = inputs_.contains(name) ? element(inputs_.at(name), static_cast<std::size_t>(index))
                                            : element(state_.at(name), static_cast<std::size_t>(index));
    const auto around = [&](double steps) {
      return with_element(name, index, x + steps * step) - with_element(name, index, x - steps * step);
    };
    const double numeric = (8 * around(1) - around(2)) / (12 * step);
    const double analytic = element(gradient, static_cast<std::size_t>(index));
    error += (numeric - analytic) * (numeric - analytic);
    size += std::max(numeric * numeric, analytic * analytic);
  }
  EXPECT_LE(std::sqrt(error), 1e-6 * std::sqrt(size) + 1e-9)
      << "gradient of " << name << " of norm " << std::sqrt(size);
}

}  // namespace resnet
