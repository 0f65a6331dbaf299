// Whole small networks on every backend: passes must not change what a network computes.
#include "graph/builder.hpp"
#include "graph/differentiate.hpp"
#include "graph/passes.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace resnet {
namespace {

constexpr int64_t classes = 5;

/// A basic block with shortcut A (He et al. 2015, figure 2 and section 3.3).
Value residual_block(Builder& net, const std::string& name, Value x, int channels, int stride) {
  const auto scope = net.scope(name);
  Value h = net.conv("conv1", x, {.channels = channels, .kernel = 3, .stride = stride, .padding = 1});
  h = net.relu(net.batch_norm("bn1", h));
  h = net.batch_norm("bn2", net.conv("conv2", h, {.channels = channels, .kernel = 3, .padding = 1}));
  const int64_t more = channels - net.shape(x).c();
  const Value shortcut = stride == 1 ? x : net.subsample(x, stride, more / 2, more - more / 2);
  return net.relu(net.add(h, shortcut));
}

/// Squeeze-and-excitation: channels scaled by a gate computed from their means.
Value excitation(Builder& net, Value x) {
  const Value squeezed = net.flatten(net.global_average_pool(x));
  const Value hidden = net.relu(net.linear("se1", squeezed, {.units = 3}));
  const Value gate =
      net.unary(net.linear("se2", hidden, {.units = static_cast<int>(net.shape(x).c())}), {.kind = UnaryKind::sigmoid});
  return net.scale_channels(x, gate);
}

Graph residual_network(Mode mode, int64_t batch) {
  Builder net(mode);
  Value x = net.input("images", {batch, 3, 9, 9});
  x = net.relu(net.batch_norm("bn", net.conv("stem", x, {.channels = 6, .kernel = 3, .padding = 1})));
  x = net.max_pool(x, {.kernel = 3, .stride = 2, .padding = 1});
  x = residual_block(net, "block1", x, 6, 1);
  x = residual_block(net, "block2", excitation(net, x), 9, 2);
  x = net.dropout(x, {.probability = 0.2f});
  const Value logits = net.linear("fc", net.flatten(net.global_average_pool(x)), {.units = static_cast<int>(classes)});
  net.observe("logits", logits);
  if (mode == Mode::training) net.cross_entropy(logits, 0.1f);
  return net.take();
}

/// The gradients of every parameter and of the images, and the new running statistics, as outputs.
Graph with_gradients(Graph graph) {
  std::vector<Value> wanted = graph.parameters();
  wanted.push_back(*graph.find("images"));
  for (const auto& [value, gradient] : differentiate(graph, {{*graph.find("loss"), {}}}, wanted))
    graph.add_output("d." + graph[value].name, gradient);
  for (const Update& update : graph.updates()) graph.add_output("next." + graph[update.state].name, update.next);
  return graph;
}

class Network : public testing::TestWithParam<Backend> {};

TEST_P(Network, FusedEqualsUnfused) {
  const Graph unfused = residual_network(Mode::training, 4);
  const Graph fused = fuse(unfused);
  EXPECT_EQ(fused.nodes().size() + 5, unfused.nodes().size()) << "3 batch norms and 2 additions take in their ReLU";
  const Values values = draw(unfused, 1, classes);
  const Values expected = run(with_gradients(unfused), values, in_double);
  expect_close(run(with_gradients(fused), values, in_double), expected, 1e-11);
  expect_close(run(with_gradients(unfused), values, {.backend = GetParam()}), expected, 1e-4);
  expect_close(run(with_gradients(fused), values, {.backend = GetParam()}), expected, 1e-4);
}

// The reference rounds where the graph says so; the rest of the distance to fp32 is what bf16 costs.
TEST(LowPrecisionNetwork, GradientsEqualTheReference) {
  if (!cpu_backend_info().bf16) GTEST_SKIP() << "this processor has no AVX-512, which bf16 needs";
  const Graph network = fuse(residual_network(Mode::training, 4));
  const Graph low = with_gradients(insert_casts(network, Precision::bf16));
  const Values values = draw(network, 1, classes);
  const Values got = run(low, values, {.backend = Backend::cpu});
  expect_close(got, run(low, values, in_double), 1e-2);
  expect_close(got, run(with_gradients(network), values, in_double), 0.3);
  EXPECT_GT(distance(got.at("d.images"), run(with_gradients(network), values, in_double).at("d.images")), 0);
}

// Batches of one and of several images, which lie differently.
TEST(LowPrecisionNetwork, InferenceEqualsTheReference) {
  if (!cpu_backend_info().bf16) GTEST_SKIP() << "this processor has no AVX-512, which bf16 needs";
  for (const int64_t batch : {1, 3, 16}) {
    const Graph graph = residual_network(Mode::inference, batch);
    Values values = draw(graph, 9, classes);
    Parameters parameters = values;
    parameters.erase("images");
    auto [folded, folded_values] = fold_batch_norm(graph, parameters);
    folded_values.emplace("images", values.at("images"));
    const Graph low = insert_casts(fuse(folded), Precision::bf16);
    const Values got = run(low, folded_values, {.backend = Backend::cpu});
    expect_close(got, run(low, folded_values, in_double), 1e-2);
    for (const int threads : {2, 3, 8}) {
      const CompileOptions options{.backend = Backend::cpu, .threads = std::make_shared<ThreadPool>(threads, threads)};
      EXPECT_TRUE(same_bits(got, run(low, folded_values, options))) << threads << " threads";
    }
    EXPECT_TRUE(same_bits(got, run(low, folded_values, {.backend = Backend::cpu, .reuse_memory = false})));
  }
}

TEST_P(Network, RecomputeKeepsTheBits) {
  const Graph kept = with_gradients(fuse(residual_network(Mode::training, 4)));
  const Graph recomputed = recompute(kept);
  EXPECT_GT(recomputed.nodes().size(), kept.nodes().size());
  const Values values = draw(kept, 2, classes);
  const CompileOptions options{.backend = GetParam()};
  const Values expected = run(kept, values, options);
  EXPECT_TRUE(same_bits(expected, run(recomputed, values, options)));
  const Graph partly = recompute(kept, 4096);
  EXPECT_GT(partly.nodes().size(), kept.nodes().size());
  EXPECT_LT(partly.nodes().size(), recomputed.nodes().size());
  EXPECT_TRUE(same_bits(expected, run(partly, values, options)));
}

TEST_P(Network, PlannedMemoryEqualsOwnBuffers) {
  const Graph graph = with_gradients(fuse(residual_network(Mode::training, 3)));
  const Values values = draw(graph, 3, classes);
  EXPECT_TRUE(same_bits(run(graph, values, {.backend = GetParam()}),
                        run(graph, values, {.backend = GetParam(), .reuse_memory = false})));
}

TEST_P(Network, FusedInferenceEqualsUnfused) {
  const Graph unfused = residual_network(Mode::inference, 3);
  const Values values = draw(unfused, 4, classes);
  const Values expected = run(unfused, values, in_double);
  expect_close(run(fuse(unfused), values, in_double), expected, 1e-11);
  expect_close(run(fuse(unfused), values, {.backend = GetParam()}), expected, 1e-4);
}

TEST_P(Network, FoldedBatchNormEqualsUnfolded) {
  const Graph graph = residual_network(Mode::inference, 3);
  const Values values = draw(graph, 5, classes);
  Parameters parameters = values;
  parameters.erase("images");
  auto [folded, folded_values] = fold_batch_norm(graph, parameters);
  EXPECT_TRUE(std::ranges::none_of(
      folded.nodes(), [](const Node& node) { return std::holds_alternative<BatchNormInference>(node.op); }));
  folded_values.emplace("images", values.at("images"));
  const Values expected = run(graph, values, in_double);
  expect_close(run(fuse(folded), folded_values, in_double), expected, 1e-5);
  expect_close(run(fuse(folded), folded_values, {.backend = GetParam()}), expected, 1e-4);
}

/// The state after three SGD steps.
Values trained(const Graph& graph, const Values& values, const CompileOptions& options) {
  State held;
  initialise(held, graph, 7, options.compute);
  const auto executable = compile(graph, held, options);
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::input) executable->set_input(value.name, values.at(value.name));
  for (int step = 0; step < 3; ++step) executable->run();
  return held.tensors();
}

Graph training_step(Graph graph) {
  const auto gradients = differentiate(graph, {{*graph.find("loss"), {}}}, graph.parameters());
  return add_updates(graph, gradients, {.momentum = 0.9f, .weight_decay = 1e-3f, .nesterov = true});
}

TEST_P(Network, ThreeTrainingStepsAgree) {
  const Graph step = training_step(residual_network(Mode::training, 6));
  const Graph fused = recompute(training_step(fuse(residual_network(Mode::training, 6))));
  const Values values = draw(step, 6, classes);
  const Values expected = trained(step, values, in_double);
  expect_close(trained(fused, values, in_double), expected, 1e-10);
  expect_close(trained(fused, values, {.backend = GetParam()}), expected, 1e-3);
  const Values one_thread = trained(fused, values, {.backend = GetParam()});
  for (const int threads : {2, 3, 4, 8}) {
    const CompileOptions options{.backend = GetParam(), .threads = std::make_shared<ThreadPool>(threads, threads)};
    EXPECT_TRUE(same_bits(one_thread, trained(fused, values, options))) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Network, testing::ValuesIn(backends),
                         [](const auto& test) { return name_of(test.param); });

TEST(NetworkGradients, EqualFiniteDifferences) {
  const Graph forward = residual_network(Mode::training, 3);
  const Graph graph = with_gradients(fuse(forward));
  const Values values = draw(forward, 8, classes);
  const Values gradients = run(graph, values, in_double);
  Tensor one({1});
  one.data<float>()[0] = 1;
  FiniteDifferences differences(forward, values, "loss", one);
  for (const Value parameter : forward.parameters()) {
    const std::string& name = forward[parameter].name;
    differences.expect_gradient(name, gradients.at("d." + name), 10, 1e-5);
  }
  differences.expect_gradient("images", gradients.at("d.images"), 20, 1e-5);
}

}  // namespace
}  // namespace resnet
