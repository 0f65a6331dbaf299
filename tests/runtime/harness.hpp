// What the tests of backends share: graphs from table rows, drawn values, runs, comparisons, finite differences.
#pragma once

#include "base/tensor.hpp"
#include "graph/graph.hpp"
#include "runtime/executable.hpp"
#include "runtime/op_case.hpp"

#include <cmath>
#include <map>
#include <memory>
#include <string>

namespace resnet {

inline constexpr Backend backends[] = {Backend::reference, Backend::cpu};
inline const char* name_of(Backend backend) { return backend == Backend::cpu ? "cpu" : "reference"; }
inline void PrintTo(Backend backend, std::ostream* out) { *out << name_of(backend); }
inline const CompileOptions in_double = {.backend = Backend::reference, .compute = DType::f64};

/// Tensors by the name of an input, a state value or an output; inputs and state are drawn in f32, i32 or i64.
using Values = std::map<std::string, Tensor>;

/// Operands "x0", "x1", ... and outputs "y0", "y1", ... of one node, with the updates of state that the op stands for.
Graph forward_graph(const OpCase& row);
/// The same with the gradient seed "dy" of y0 and the gradients "dx0", ... of the differentiable operands as outputs;
/// without them for an op that has no gradient.
Graph training_graph(const OpCase& row);
/// training_graph with the images (operands that are no parameters, of rank 2 or more) and what is computed from them
/// in bf16; inputs and outputs stay f32.
Graph low_precision_graph(const OpCase& row);
/// Its forward half alone, as in a network for inference.
Graph low_precision_inference_graph(const OpCase& row);
/// Values for every operand and for "dy", away from the kinks of a fused ReLU.
Values draw(const OpCase& row);

/// Normal numbers for every floating input and state value of `graph`, variances and scales positive; labels below
/// `classes`.
Values draw(const Graph& graph, uint64_t seed, int64_t classes);

/// Compiles, sets inputs and state from `values`, runs once and returns all outputs.
Values run(const Graph& graph, const Values& values, const CompileOptions& options);

double norm(const Tensor& tensor);
/// |a - b| over the elements of both, as doubles.
double distance(const Tensor& a, const Tensor& b);
bool same_bits(const Values& a, const Values& b);

/// Expects the outputs to agree norm-wise; integers exactly.
void expect_close(const Values& got, const Values& expected, double tolerance);

/// Central differences of fourth order of <seed, output> by elements of inputs and state, in double.
class FiniteDifferences {
 public:
  FiniteDifferences(const Graph& graph, const Values& values, std::string output, const Tensor& seed);

  /// Compares `gradient` with differences at up to `samples` elements of the value of that name: norm-wise below 1e-6.
  void expect_gradient(const std::string& name, const Tensor& gradient, int samples, double step);

 private:
  double projection() const;
  double with_element(const std::string& name, int64_t index, double x);

  State state_;
  Values inputs_;
  std::unique_ptr<Executable> executable_;
  std::string output_;
  Tensor seed_;
};

}  // namespace resnet
