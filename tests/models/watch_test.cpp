// Layers and blocks are found in any network, and what is read there is the network's own.
#include "models/watch.hpp"

#include "base/random.hpp"
#include "graph/differentiate.hpp"
#include "models/model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace resnet::test {
namespace {

WatchedGraph watched(const char* model, const ModelOptions& options = {}) {
  return watch(loss_graph(find_model(model, options), 2, Mode::training));
}

TEST(Watch, FindsLayersAndBlocks) {
  struct Case {
    const char* model;
    std::size_t layers, blocks;
    const char *first_block, *last_block;
  };
  const Case cases[] = {{"resnet20", 20, 9, "layer1.0", "layer3.2"},
                        {"plain20", 20, 0, "", ""},
                        {"resnet18", 18, 8, "layer1.0", "layer4.1"},
                        {"resnet50", 50, 16, "layer1.0", "layer4.2"},
                        {"seresnet50", 50, 16, "layer1.0", "layer4.2"},
                        {"preact_resnet110", 110, 54, "stages.0.blocks.0", "stages.2.blocks.17"},
                        {"mlp", 10, 0, "", ""},
                        {"residual_mlp", 22, 10, "blocks.0", "blocks.9"}};
  for (const Case& expected : cases) {
    SCOPED_TRACE(expected.model);
    const WatchedGraph found = watched(expected.model);
    EXPECT_EQ(found.layers.size(), expected.layers);
    ASSERT_EQ(found.blocks.size(), expected.blocks);
    if (expected.blocks == 0) continue;
    EXPECT_EQ(found.blocks.front().name, expected.first_block);
    EXPECT_EQ(found.blocks.back().name, expected.last_block);
    std::set<std::size_t> in_blocks;
    for (const WatchedBlock& block : found.blocks) {
      in_blocks.insert(block.layers.begin(), block.layers.end());
      for (const std::size_t layer : block.layers)
        EXPECT_TRUE(found.layers[layer].name.starts_with(block.name + ".")) << found.layers[layer].name;
    }
    EXPECT_EQ(in_blocks.size(), expected.layers - 2);  // all but the first and the last
    verify(found.graph);
  }
}

TEST(Watch, NormsBeyondTheRangeOfSquares) {
  for (const double size : {1.0, 1e-200, 1e200}) {
    Tensor x(Shape{2}, DType::f64);
    x.data<double>()[0] = 3 * size;
    x.data<double>()[1] = -4 * size;
    EXPECT_DOUBLE_EQ(frobenius_norm(x), 5 * size);
  }
  EXPECT_EQ(frobenius_norm(Tensor(Shape{2}, DType::f64)), 0);
}

TEST(Watch, FollowsTheMainPathOfADenseNetwork) {
  const WatchedGraph found = watched("densenet40_12");
  EXPECT_EQ(found.layers.size(), 40);
  EXPECT_TRUE(found.blocks.empty());
  ASSERT_EQ(found.joined.size(), 3 * (12 + 1));
  for (std::size_t layer = 0; layer <= 12; ++layer)  // a stem of 16 channels, then 12 more for each layer
    EXPECT_EQ(found.graph[found.joined[layer]].shape.c(), 16 + 12 * static_cast<int64_t>(layer));
  for (const char* model : {"plain20", "resnet20", "mlp"}) EXPECT_TRUE(watched(model).joined.empty()) << model;
}

TEST(Watch, TellsIdentityFromProjection) {
  const auto identities = [](const WatchedGraph& graph) {
    int count = 0;
    for (const WatchedBlock& block : graph.blocks) count += block.identity ? 1 : 0;
    return count;
  };
  EXPECT_EQ(identities(watched("resnet20")), 7);  // two blocks change the shape
  EXPECT_EQ(identities(watched("resnet20", {.shortcut = Shortcut::option_c})), 0);
  EXPECT_EQ(watched("resnet20", {.shortcut = Shortcut::option_c}).layers.size(), 20);  // projections are not counted
}

/// In double, on random images.
struct Setting {
  explicit Setting(const char* model, const ModelOptions& changes = {}) {
    const ModelSpec spec = find_model(model, changes);
    graph = loss_graph(spec, 3, Mode::training);
    initialise(state, graph, 1, DType::f64);
    images = Tensor(Shape{3, spec.input.channels, spec.input.height, spec.input.width});
    Rng rng(5, "images");
    for (float& x : images.data<float>()) x = static_cast<float>(rng.normal());
  }
  void run(Executable& program) const {
    program.set_input("images", images);
    program.set_input("labels", Tensor(Shape{3}, DType::i32));
    program.run();
  }
  Graph graph;
  State state;
  Tensor images;
  CompileOptions options{.backend = Backend::reference, .compute = DType::f64};
};

void expect_near(const Tensor& a, const Tensor& b, const std::string& what) {
  ASSERT_EQ(a.shape(), b.shape()) << what;
  for (std::size_t i = 0; i < a.data<double>().size(); ++i)
    ASSERT_NEAR(a.data<double>()[i], b.data<double>()[i], 1e-12 * (1 + std::abs(a.data<double>()[i]))) << what;
}

TEST(Watch, GradientsAreThoseOfTheNetwork) {
  const Setting setting("resnet8");
  Graph plain = setting.graph;
  for (const auto& [parameter, gradient] : differentiate(plain, {{*plain.find("loss"), {}}}, plain.parameters()))
    plain.add_output("gradient/" + plain[parameter].name, gradient);
  State state = setting.state, watched_state = setting.state;
  const auto program = compile(plain, state, setting.options);
  WatchedNetwork network(setting.graph, "loss", watched_state, setting.options);
  setting.run(*program);
  setting.run(network.program());
  expect_near(program->output("loss"), network.program().output("loss"), "loss");
  for (const WatchedLayer& layer : network.layers())
    expect_near(program->output("gradient/" + layer.name + ".weight"), *network.gradient(layer.weight), layer.name);
}

TEST(Watch, BranchAndShortcutAddUp) {
  for (const Shortcut shortcut : {Shortcut::option_a, Shortcut::option_b, Shortcut::option_c}) {
    Setting setting("resnet8", {.shortcut = shortcut});
    WatchedNetwork network(setting.graph, "loss", setting.state, setting.options);
    setting.run(network.program());
    for (std::size_t index = 0; index < network.blocks().size(); ++index) {
      const WatchedBlock& block = network.blocks()[index];
      Tensor sum = *network.gradient(block.branch_input);
      const Tensor shortcut_part = *network.gradient(block.shortcut_input);
      for (std::size_t i = 0; i < sum.data<double>().size(); ++i)
        sum.data<double>()[i] += shortcut_part.data<double>()[i];
      expect_near(sum, *network.gradient(block.input), block.name);
      const BlockNorms norms = network.block(index);
      EXPECT_NEAR(norms.dx, frobenius_norm(sum), 1e-12 * norms.dx);
      EXPECT_TRUE(!block.identity || norms.dx_shortcut == norms.dy) << "the shortcut passes the gradient on as it is";
      EXPECT_GT(norms.dx_branch, 0);
    }
  }
}

TEST(Watch, TakesAGivenGradientOfTheOutput) {
  Builder net(Mode::training);
  const Value x = net.input("x", {1, 3});
  net.input("dy", {1, 2});
  net.observe("y", net.linear("layer", x, {.units = 2}));
  State state;
  const Graph graph = net.take();
  initialise(state, graph, 0, DType::f64);
  WatchedNetwork network(graph, "y", state, {.backend = Backend::reference, .compute = DType::f64});
  Tensor one(Shape{1, 3}, DType::f64), dy(Shape{1, 2}, DType::f64);
  one.data<double>()[1] = 2;
  dy.data<double>()[0] = 3;
  network.program().set_input("x", one);
  network.program().set_input("dy", dy);
  network.program().run();
  EXPECT_EQ(network.layer(0).dw, 6);
  EXPECT_EQ(network.layer(0).db, 3);
}

}  // namespace
}  // namespace resnet::test
