// Building, checking and printing graphs.
#include "graph/graph.hpp"

#include "base/error.hpp"
#include "graph/builder.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

std::string message(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Graph, NamesNodesAndParametersByScope) {
  Builder net(Mode::training);
  const Value x = net.input("images", {8, 3, 32, 32});
  {
    const auto stage = net.scope("layer1");
    const auto block = net.scope("0");
    net.batch_norm("bn1", net.conv("conv1", x, {.channels = 16, .kernel = 3, .stride = 2, .padding = 1}));
  }
  net.conv("conv2", x, {.channels = 4, .bias = true});
  const Graph graph = net.take();
  for (const char* name : {"layer1.0.conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.running_var", "conv2.bias"})
    EXPECT_TRUE(graph.find(name)) << name;
  EXPECT_EQ(graph.parameter_count(), 16 * 3 * 9 + 2 * 16 + 4 * 3 + 4);
  EXPECT_EQ(graph[*graph.find("layer1.0.conv1.weight")].shape, (Shape{16, 3, 3, 3}));
  EXPECT_EQ(graph[graph.nodes()[0].outputs[0]].shape, (Shape{8, 16, 16, 16}));
  verify(graph);
}

TEST(Graph, AnErrorNamesTheNodeAndBothShapes) {
  Graph graph;
  const Value x = graph.add_input("x", {8, 16, 32, 32});
  const Value w = graph.add_state(ValueKind::parameter, "w", {64, 32, 3, 3});
  EXPECT_EQ(message([&] {
              graph.add_node("stage2.conv1", Conv{.window = square_window(3)}, {x, w});
            }),
            "node 'stage2.conv1': conv: weight [64x32x3x3] expects 32 input channels, got [8x16x32x32]");
}

TEST(Graph, RefusesWhatCannotBe) {
  Graph graph;
  const Value x = graph.add_input("x", {1, 4, 1, 1});
  const Value c = graph.add_state(ValueKind::parameter, "c", {4});
  const Value w = graph.add_state(ValueKind::parameter, "w", {4, 4, 3, 3});
  const Value m = graph.add_state(ValueKind::parameter, "m", {5, 3});
  EXPECT_NE(message([&] {
              graph.add_node("bn", BatchNorm{}, {x, c, c});
            }).find("more than one value per channel"),
            std::string::npos);
  EXPECT_NE(message([&] {
              graph.add_node("conv", Conv{.window = square_window(3)}, {x, w});
            }).find("does not fit"),
            std::string::npos);
  EXPECT_NE(message([&] { graph.add_node("fc", Linear{.bias = false}, {x, m}); }).find("rank 2"), std::string::npos);
  EXPECT_NE(message([&] { graph.add_node("slice", Slice{2, 5}, {x}); }).find("2..5"), std::string::npos);
  EXPECT_NE(message([&] { graph.add_node("flat", Reshape{{5}}, {x}); }).find("elements"), std::string::npos);
  EXPECT_NE(message([&] { graph.add_node("sum", Binary{}, {x, w}); }).find("[4x4x3x3]"), std::string::npos);
  EXPECT_NE(message([&] { graph.add_node("pool", MaxPool{square_window(2, 2, 2)}, {x}); }).find("padding"),
            std::string::npos);
  Window apart = square_window(2, 1, 1);
  apart.dilation_h = static_cast<int>(graph[x].shape.h()) + 1;  // one tap above the image, the other one below it
  EXPECT_NE(message([&] { graph.add_node("pool", MaxPool{apart}, {x}); }).find("nothing but padding"),
            std::string::npos);
  EXPECT_NE(message([&] { graph.add_input("x", {1}); }).find("exists"), std::string::npos);
}

TEST(Graph, WindowPositionsFollowPyTorch) {
  EXPECT_EQ(window_positions(224, 7, 2, 3, 3, 1), 112);
  EXPECT_EQ(window_positions(112, 3, 2, 1, 1, 1), 56);
  EXPECT_EQ(window_positions(112, 3, 2, 0, 0, 1, true), 56);  // Caffe's pool: ceil
  EXPECT_EQ(window_positions(5, 2, 2, 1, 1, 1, true), 3);     // a fourth would start in the trailing padding
  EXPECT_EQ(window_positions(4, 2, 3, 1, 1, 1, true), 2);
  EXPECT_EQ(window_positions(7, 3, 1, 0, 0, 2), 3);
  EXPECT_EQ(window_positions(1, 1, 2, 0, 0, 1), 1);
  EXPECT_EQ(window_positions(2, 3, 1, 0, 0, 1), 0);
}

TEST(Graph, DumpsOneLinePerNode) {
  Builder net(Mode::inference);
  const Value x = net.input("x", {2, 3, 8, 8});
  net.observe("y", net.relu(net.conv("conv1", x, {.channels = 4, .kernel = 3, .stride = 2, .padding = 1})));
  EXPECT_EQ(dump(net.graph()),
            "%2 conv1 [2x4x4x4] = conv 3x3 /2 pad 1(%0 x, %1 conv1.weight)\n"
            "%3 relu_0 [2x4x4x4] = unary relu(%2)\n"
            "output y = %3\n");
}

TEST(Graph, VerifyRefusesAReadAfterTheUpdate) {
  Graph graph;
  const Value w = graph.add_state(ValueKind::parameter, "w", {1});
  const Value v = graph.add_state(ValueKind::momentum, "v", {1});
  const Value rate = graph.add_input("rate", {1});
  const std::vector<Value> next = graph.add_node("step", Sgd{}, {w, w, v, rate});
  graph.add_update(w, next[0]);
  verify(graph);
  graph.add_node("late", Unary{}, {w});
  EXPECT_NE(message([&] { verify(graph); }).find("'late' reads 'w' after"), std::string::npos);
}

}  // namespace
}  // namespace resnet
