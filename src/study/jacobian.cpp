#include "study/jacobian.hpp"

#include "base/random.hpp"
#include "graph/builder.hpp"
#include "graph/differentiate.hpp"
#include "runtime/executable.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace resnet {
namespace {

// Central differences of a piecewise linear function are exact up to rounding unless a kink lies within the step.
constexpr double step = 1e-6;

const CompileOptions in_double{.backend = Backend::reference, .compute = DType::f64};

Value branch_of(Builder& net, Value x, int64_t width) {
  const LinearOptions layer{.units = static_cast<int>(width), .init = Init::he_normal_fan_in};
  return net.relu(net.linear("linear2", net.relu(net.linear("linear1", x, layer)), layer));
}

Tensor unit(int64_t width, int64_t index) {
  Tensor tensor(Shape{1, width}, DType::f64);
  tensor.data<double>()[static_cast<std::size_t>(index)] = 1;
  return tensor;
}

std::vector<double> run(Executable& program, const char* input, const Tensor& value, const char* output) {
  program.set_input(input, value);
  program.run();
  const Tensor result = program.output(output);
  return {result.data<double>().begin(), result.data<double>().end()};
}

}  // namespace

BlockJacobians block_jacobians(int64_t width, uint64_t seed, uint64_t index) {
  const Shape row{1, width};
  Builder block(Mode::training), branch(Mode::training);
  const Value x_of_block = block.input("x", row), x_of_branch = branch.input("x", row);
  block.observe("y", block.add(branch_of(block, x_of_block, width), x_of_block));
  const Value f = branch_of(branch, x_of_branch, width), dy = branch.input("dy", row);
  branch.observe("dx", differentiate(branch.graph(), {{f, dy}}, {x_of_branch}).at(x_of_branch));

  State state;
  initialise(state, block.graph(), stream_key(seed, "jacobian", {index}), DType::f64);
  const auto forward = compile(block.graph(), state, in_double), backward = compile(branch.graph(), state, in_double);
  Tensor x(row, DType::f64);
  Rng rng(seed, "jacobian.x", {index});
  for (double& value : x.data<double>()) value = rng.normal();
  backward->set_input("x", x);

  const auto count = static_cast<std::size_t>(width);
  BlockJacobians result{std::vector<double>(count * count), {}};
  for (int64_t k = 0; k < width; ++k) {
    const std::vector<double> row_of_branch = run(*backward, "dy", unit(width, k), "dx");
    result.of_branch.insert(result.of_branch.end(), row_of_branch.begin(), row_of_branch.end());
    const auto column = static_cast<std::size_t>(k);
    double& moved = x.data<double>()[column];
    const double at = moved;
    moved = at + step;
    const std::vector<double> above = run(*forward, "x", x, "y");
    moved = at - step;
    const std::vector<double> below = run(*forward, "x", x, "y");
    moved = at;
    for (std::size_t i = 0; i < count; ++i) result.of_block[i * count + column] = (above[i] - below[i]) / (2 * step);
  }
  return result;
}

JacobianCheck check_jacobians(int64_t width, int64_t blocks, uint64_t seed) {
  JacobianCheck check{.blocks = blocks};
  const auto count = static_cast<std::size_t>(width);
  for (int64_t block = 0; block < blocks; ++block) {
    const BlockJacobians jacobians = block_jacobians(width, seed, static_cast<uint64_t>(block));
    for (std::size_t entry = 0; entry < count * count; ++entry) {
      const double identity = entry / count == entry % count ? 1 : 0;
      const double difference = jacobians.of_block[entry] - (jacobians.of_branch[entry] + identity);
      check.largest_difference = std::max(check.largest_difference, std::abs(difference));
      check.largest_entry = std::max(check.largest_entry, std::abs(jacobians.of_block[entry]));
    }
  }
  return check;
}

}  // namespace resnet
