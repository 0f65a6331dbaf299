// What each pass does to the structure; that values stay the same is checked by running them (tests/runtime).
#include "graph/passes.hpp"

#include "base/error.hpp"
#include "graph/builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace resnet {
namespace {

// conv-bn-relu-conv-bn, added to its input, ReLU: the basic block of He et al. 2015.
Graph basic_block(Mode mode, bool observe_response = false) {
  Builder net(mode);
  const Value x = net.input("x", {4, 8, 6, 6});
  Value h = net.relu(net.batch_norm("bn1", net.conv("conv1", x, {.channels = 8, .kernel = 3, .padding = 1})));
  h = net.batch_norm("bn2", net.conv("conv2", h, {.channels = 8, .kernel = 3, .padding = 1}));
  if (observe_response) net.observe("response", h);
  net.observe("y", net.relu(net.add(h, x)));
  return net.take();
}

template <class T>
int count(const Graph& graph) {
  return static_cast<int>(
      std::ranges::count_if(graph.nodes(), [](const Node& node) { return std::holds_alternative<T>(node.op); }));
}

Parameters parameters_of(const Graph& graph) {
  Parameters result;
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic) {
      Tensor tensor(value.shape);
      std::ranges::fill(tensor.data<float>(), 0.5f);
      result.emplace(value.name, std::move(tensor));
    }
  return result;
}

TEST(Fuse, JoinsReluWithBatchNormAndAdditionInTraining) {
  const Graph fused = fuse(basic_block(Mode::training));
  verify(fused);
  EXPECT_EQ(count<Unary>(fused), 0);
  EXPECT_EQ(count<Conv>(fused), 2);
  for (const Node& node : fused.nodes()) {
    if (const auto* norm = std::get_if<BatchNorm>(&node.op)) {
      EXPECT_EQ(norm->relu, node.name == "bn1");
    }
    if (const auto* sum = std::get_if<Binary>(&node.op)) {
      EXPECT_TRUE(sum->relu);
    }
  }
}

TEST(Fuse, NeverGoesThroughAnObservedValue) {
  Builder net(Mode::training);
  const Value x = net.input("x", {4, 8, 6, 6});
  const Value response = net.batch_norm("bn", x);
  net.observe("response", response);
  net.observe("y", net.relu(response));
  const Graph fused = fuse(net.graph());
  EXPECT_EQ(count<Unary>(fused), 1);
  EXPECT_FALSE(std::get<BatchNorm>(fused.nodes()[0].op).relu);

  const Graph block =
      fuse(fold_batch_norm(basic_block(Mode::inference, true), parameters_of(basic_block(Mode::inference))).first);
  EXPECT_EQ(count<Binary>(block), 1);  // the addition reads the observed response
}

TEST(Fuse, LeavesAValueWithTwoReadersAlone) {
  Builder net(Mode::training);
  const Value x = net.input("x", {4, 8, 6, 6});
  const Value sum = net.add(x, x);
  net.observe("y", net.add(net.relu(sum), sum));
  EXPECT_EQ(count<Unary>(fuse(net.graph())), 1);
}

TEST(Fold, PutsTheWholeBlockIntoItsTwoConvolutions) {
  const Graph block = basic_block(Mode::inference);
  const auto [folded, weights] = fold_batch_norm(block, parameters_of(block));
  verify(folded);
  EXPECT_EQ(count<BatchNormInference>(folded), 0);
  EXPECT_EQ(weights.size(), 4u);  // two weights, two new biases
  // gamma = beta = mean = var = w = 0.5: w' = 0.25 / sqrt(0.5 + eps), b' = 0.5 - 0.25 / sqrt(0.5 + eps)
  const double scale = 0.5 / std::sqrt(0.5 + 1e-5);
  EXPECT_NEAR(weights.at("conv1.weight").data<float>()[0], 0.5 * scale, 1e-6);
  EXPECT_NEAR(weights.at("conv1.folded_bias").data<float>()[0], 0.5 - 0.5 * scale, 1e-6);

  const Graph fused = fuse(folded);
  verify(fused);
  ASSERT_EQ(fused.nodes().size(), 2u);
  EXPECT_TRUE(std::get<Conv>(fused.nodes()[0].op).relu);
  const Conv& last = std::get<Conv>(fused.nodes()[1].op);
  EXPECT_TRUE(last.bias && last.add && last.relu);
}

TEST(Fold, LeavesAConvolutionWithAnotherReaderAlone) {
  Builder net(Mode::inference);
  const Value h = net.conv("conv", net.input("x", {1, 3, 4, 4}), {.channels = 3});
  net.observe("y", net.add(net.batch_norm("bn", h), h));
  EXPECT_EQ(count<BatchNormInference>(fold_batch_norm(net.graph(), parameters_of(net.graph())).first), 1);
}

Graph training_block(bool observe = false) {
  Graph graph = fuse(basic_block(Mode::training, observe));
  const std::vector<Value> parameters = graph.parameters();
  const auto gradients = differentiate(graph, {{*graph.find("y"), {}}}, parameters);
  return add_updates(graph, gradients, {.weight_decay = 1e-4f, .nesterov = true});
}

TEST(Differentiate, GivesEachParameterAGradientAndTheInputNone) {
  const Graph graph = training_block();
  verify(graph);
  EXPECT_EQ(count<ConvGradWeight>(graph), 2);
  EXPECT_EQ(count<ConvGradInput>(graph), 1);  // nobody wants the gradient of x
  EXPECT_EQ(count<Sgd>(graph), 6);
  EXPECT_EQ(graph.updates().size(), 2u * 6 + 4);
}

TEST(Differentiate, RefusesAPathWithoutGradient) {
  Builder net(Mode::training);
  const Value x = net.input("x", {2, 3, 4, 4});
  const std::vector<Value> y = net.graph().add_node("bn", BatchNorm{},
                                                    {x, net.graph().add_state(ValueKind::parameter, "g", {3}),
                                                     net.graph().add_state(ValueKind::parameter, "b", {3})});
  EXPECT_THROW(differentiate(net.graph(), {{y[1], {}}}, {x}), Error);
}

TEST(Differentiate, StopGradientStops) {
  Builder net(Mode::training);
  const Value x = net.input("x", {2, 3});
  const Value y = net.add(net.stop_gradient(net.unary(x, {.kind = UnaryKind::sigmoid})), x);
  const auto gradients = differentiate(net.graph(), {{y, {}}}, {x});
  EXPECT_EQ(net.graph().nodes()[static_cast<std::size_t>(net.graph()[gradients.at(x)].producer)].name, "add_2.seed");
}

TEST(Updates, FollowTheLastReaderOfTheirParameter) {
  const Graph graph = training_block();
  const auto index = [&](std::string_view name) {
    return std::ranges::find(graph.nodes(), name, &Node::name) - graph.nodes().begin();
  };
  EXPECT_LT(index("conv2.weight.sgd"), index("conv1.dw"));  // not kept to the end
}

TEST(Updates, WeightDecayLeavesOutWhatTheBuilderExcludes) {
  Builder net(Mode::training);
  Value x = net.conv("conv", net.input("x", {4, 8, 6, 6}), {.channels = 8, .bias = true, .decay = false});
  x = net.global_average_pool(net.batch_norm("bn", x, {.decay = false}));
  x = net.linear("hidden", net.flatten(x), {.units = 5, .decay = false});
  const Value loss = net.cross_entropy(net.linear("fc", x, {.units = 3}));
  const auto gradients = differentiate(net.graph(), {{loss, {}}}, net.graph().parameters());
  for (const bool vectors : {true, false}) {
    const Graph graph = add_updates(net.graph(), gradients, {.weight_decay = 0.5f, .decay_vectors = vectors});
    EXPECT_EQ(count<Sgd>(graph), 8);
    for (const Node& node : graph.nodes())
      if (const auto* sgd = std::get_if<Sgd>(&node.op)) {
        const bool decays = node.name == "fc.weight.sgd" || (vectors && node.name == "fc.bias.sgd");
        EXPECT_EQ(sgd->weight_decay, decays ? 0.5f : 0) << node.name;
      }
  }
}

TEST(Recompute, ClonesWhatBackwardReadsAndNeverTheRunningStatistics) {
  const Graph before = training_block();
  const Graph after = recompute(before);
  verify(after);
  EXPECT_EQ(count<BatchNormInference>(after), 1);  // bn1's output, which conv2's weight gradient reads
  EXPECT_EQ(count<BatchNorm>(after), 2);
  EXPECT_EQ(count<UpdateRunning>(after), count<UpdateRunning>(before));
}

// Blocks conv-bn, added to their input, ReLU, one after the other, and the gradients of their weights.
Graph chain_of_sums(int blocks) {
  Builder net(Mode::training);
  Value h = net.input("x", {4, 8, 6, 6});
  for (int block = 0; block < blocks; ++block) {
    const std::string name = "block" + std::to_string(block);
    h = net.relu(
        net.add(net.batch_norm(name + ".bn", net.conv(name, h, {.channels = 8, .kernel = 3, .padding = 1})), h));
  }
  net.observe("y", h);
  Graph graph = fuse(net.take());
  differentiate(graph, {{*graph.find("y"), {}}}, graph.parameters());
  return graph;
}

// Four sums in a row are computed again, the fifth is kept, so that none needs a chain back to the first.
TEST(Recompute, KeepsEveryFifthSum) {
  const Graph graph = chain_of_sums(11);
  const Graph after = recompute(graph);
  verify(after);
  EXPECT_EQ(count<Binary>(after) - count<Binary>(graph), 8);  // 4 and 9 are kept, and 10 is an output
}

TEST(Recompute, KeepsWhatItMayAndDropsFromTheInputOn) {
  const Graph graph = chain_of_sums(3);
  const double sum = 4 * 8 * 6 * 6 * 4;  // bytes; backward reads those of blocks 0 and 1, whose dropping costs it
  const auto sums_again = [&](double most_kept) {
    const Graph after = recompute(graph, most_kept);
    verify(after);
    std::vector<std::string> names;
    for (const Node& node : after.nodes())
      if (std::holds_alternative<Binary>(node.op) && node.name.ends_with(".again")) names.push_back(node.name);
    return names;
  };
  EXPECT_EQ(sums_again(2 * sum).size(), 0u);
  const std::vector<std::string> one = sums_again(sum), two = sums_again(0);
  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_TRUE(std::ranges::find(two, one[0]) != two.end());
}

TEST(Precision, ImagesAreLowWhileWeightsStatisticsAndOutputsAreNot) {
  const Graph block = basic_block(Mode::training);
  const Graph low = insert_casts(block, Precision::bf16);
  verify(low);
  for (const Node& node : low.nodes()) {
    if (std::holds_alternative<Conv>(node.op) || std::holds_alternative<BatchNorm>(node.op)) {
      EXPECT_EQ(low[node.inputs[0]].dtype, DType::bf16) << node.name;
      EXPECT_EQ(low[node.inputs[1]].dtype, DType::f32) << node.name;
      EXPECT_EQ(low[node.outputs[0]].dtype, DType::bf16) << node.name;
    }
  }
  for (const Output& output : low.outputs()) EXPECT_EQ(low[output.value].dtype, DType::f32) << output.name;
  EXPECT_EQ(dump(insert_casts(block, Precision::fp32)), dump(block));
}
}  // namespace
}  // namespace resnet
