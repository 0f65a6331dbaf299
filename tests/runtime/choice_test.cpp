// Which kernels the CPU backend takes for the large rows of the table, so that the comparison of these rows with the
// reference is known to have reached Winograd, the own kernels for 1x1 and the weights' gradient by channels.
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
                                   "many_weights_3x3", "many_weights_3x3.dx", "many_weights_3x3.dw", "stage4_residual",
                                   "stage4_residual.dx", "stage4_residual.dw"}));
  EXPECT_EQ(nodes_with("own 3x3"),
            (std::set<std::string>{"cifar_downsample", "rows_of_14_3x3", "rows_in_pieces_3x3", "many_images_3x3",
                                   "narrow_3x3", "one_column_3x3", "one_row_3x3", "one_pixel_3x3", "strided_3x3",
                                   "strided_even_3x3", "strided_narrow_3x3", "strided_residual_3x3",
                                   "strided_to_pixel_3x3"}));
  EXPECT_EQ(nodes_with("own 1x1"), (std::set<std::string>{"bottleneck_1x1",
                                                          "bottleneck_1x1.dx",
                                                          "projection",
                                                          "residual_1x1",
                                                          "residual_1x1.dx",
                                                          "many_pixels_1x1",
                                                          "many_pixels_1x1.dx",
                                                          "many_channels_1x1",
                                                          "many_channels_1x1.dx",
                                                          "many_images_1x1",
                                                          "many_images_1x1.dx",
                                                          "one_block_1x1",
                                                          "one_block_1x1.dx",
                                                          "one_pixel_1x1",
                                                          "one_pixel_1x1.dx",
                                                          "strided_1x1",
                                                          "many_weights_1x1",
                                                          "many_weights_1x1.dx",
                                                          "many_weights_few_pixels",
                                                          "many_weights_few_pixels.dx",
                                                          "strided_residual_1x1",
                                                          "strided_rows_1x1"}));
  EXPECT_EQ(nodes_with("by channels"), (std::set<std::string>{"stage4_3x3.dw"}));
}

}  // namespace
}  // namespace resnet
