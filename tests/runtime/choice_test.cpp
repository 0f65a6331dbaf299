// Which kernels the CPU backend takes for the large rows of the table, so that the comparison of these rows with the
// reference is known to have reached Winograd and the weights' gradient by channels.
#include "runtime/cpu/kernels.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace resnet {
namespace {

/// The nodes of all rows, gradients too, whose implementation contains `part`.
std::set<std::string> nodes_with(std::string_view part) {
  std::set<std::string> names;
  for (const OpCase& row : large_conv_cases()) {
    const Graph graph = training_graph(row);
    const Values values = draw(row);
    State held;
    for (const ValueInfo& value : graph.values())
      if (value.kind == ValueKind::parameter) held.set(value.name, values.at(value.name));
    const auto program = compile(graph, held);
    for (const StepInfo& step : program->steps())
      if (step.implementation.find(part) != std::string::npos) names.insert(step.node);
  }
  return names;
}

TEST(Choice, LargeRowsReachTheFastKernels) {
  if (cpu::best_kernels().block != 16) GTEST_SKIP() << "the table is one of AVX-512";
  EXPECT_EQ(nodes_with("wino"),
            (std::set<std::string>{"cifar_stage3", "cifar_stage3.dx", "cifar_stage3.dw", "stage4_3x3",
                                   "stage4_residual", "stage4_residual.dx", "stage4_residual.dw"}));
  EXPECT_EQ(nodes_with("by channels"), (std::set<std::string>{"stage4_3x3.dw"}));
}

}  // namespace
}  // namespace resnet
