// Key names as torchvision writes them, shapes stage by stage, and how blocks are wired.
#include "base/error.hpp"
#include "models/model.hpp"
#include "models/outline.hpp"
#include "runtime/executable.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace resnet {
namespace {

std::map<std::string, Shape> state_shapes(const Graph& graph) {
  std::map<std::string, Shape> shapes;
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic) {
      EXPECT_FALSE(shapes.contains(value.name)) << value.name;
      shapes[value.name] = value.shape;
    }
  return shapes;
}

void expect_batch_norm(std::map<std::string, Shape>& shapes, const std::string& name, int64_t channels) {
  for (const char* key : {".weight", ".bias", ".running_mean", ".running_var"}) shapes[name + key] = {channels};
}

/// What torchvision.models.resnetN().state_dict() holds, by the rule of its source, num_batches_tracked left out.
std::map<std::string, Shape> torchvision_keys(const std::vector<int>& blocks, bool bottleneck) {
  std::map<std::string, Shape> shapes;
  shapes["conv1.weight"] = {64, 3, 7, 7};
  expect_batch_norm(shapes, "bn1", 64);
  int64_t input = 64;
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const int64_t width = int64_t{64} << stage, output = bottleneck ? 4 * width : width;
    for (int block = 0; block < blocks[stage]; ++block) {
      const std::string at = "layer" + std::to_string(stage + 1) + "." + std::to_string(block) + ".";
      const std::vector<Shape> convolutions =
          bottleneck ? std::vector<Shape>{{width, input, 1, 1}, {width, width, 3, 3}, {output, width, 1, 1}}
                     : std::vector<Shape>{{width, input, 3, 3}, {width, width, 3, 3}};
      for (std::size_t i = 0; i < convolutions.size(); ++i) {
        shapes[at + "conv" + std::to_string(i + 1) + ".weight"] = convolutions[i];
        expect_batch_norm(shapes, at + "bn" + std::to_string(i + 1), convolutions[i][0]);
      }
      if (block == 0 && (stage > 0 || input != output)) {
        shapes[at + "downsample.0.weight"] = {output, input, 1, 1};
        expect_batch_norm(shapes, at + "downsample.1", output);
      }
      input = output;
    }
  }
  shapes["fc.weight"] = {1000, input};
  shapes["fc.bias"] = {1000};
  return shapes;
}

TEST(Build, KeysAndShapesAreTorchvisions) {
  const auto keys = [](const char* name) { return state_shapes(forward_graph(find_model(name), 1, Mode::inference)); };
  EXPECT_EQ(keys("resnet18"), torchvision_keys({2, 2, 2, 2}, false));
  EXPECT_EQ(keys("resnet34"), torchvision_keys({3, 4, 6, 3}, false));
  EXPECT_EQ(keys("resnet50"), torchvision_keys({3, 4, 6, 3}, true));
  EXPECT_EQ(keys("resnet101"), torchvision_keys({3, 4, 23, 3}, true));
  EXPECT_EQ(keys("resnet152"), torchvision_keys({3, 8, 36, 3}, true));
}

TEST(Build, TrainingAndInferenceHaveTheSameState) {
  for (const ModelSpec& spec : models())
    EXPECT_EQ(state_shapes(forward_graph(spec, 2, Mode::training)),
              state_shapes(forward_graph(spec, 1, Mode::inference)))
        << spec.name;
}

TEST(Build, CifarKeys) {
  const auto keys = state_shapes(forward_graph(find_model("resnet20"), 1, Mode::inference));
  EXPECT_EQ(keys.at("conv1.weight"), (Shape{16, 3, 3, 3}));
  EXPECT_EQ(keys.at("layer1.2.bn2.running_var"), (Shape{16}));
  EXPECT_EQ(keys.at("layer3.0.conv1.weight"), (Shape{64, 32, 3, 3}));
  EXPECT_EQ(keys.at("fc.weight"), (Shape{10, 64}));
  EXPECT_FALSE(keys.contains("layer2.0.downsample.0.weight"));
  EXPECT_EQ(keys.size(), 19u + 19 * 4 + 2);
  const auto c =
      state_shapes(forward_graph(find_model("resnet20", {.shortcut = Shortcut::option_c}), 1, Mode::inference));
  EXPECT_EQ(c.at("layer1.0.downsample.0.weight"), (Shape{16, 16, 1, 1}));
}

/// The output [C,H,W] of the last node whose name begins with "BLOCK.".
Shape block_output(const Graph& graph, const std::string& block) {
  Shape output;
  for (const Node& node : graph.nodes()) {
    const Shape& shape = graph[node.outputs[0]].shape;
    if (node.name.starts_with(block + ".")) output = {shape.c(), shape.h(), shape.w()};
  }
  return output;
}

/// "layer1.0", "stages.0.blocks.0", "features.denseblock1.denselayer1", "features.transition1".
bool is_block(const BlockOutline& block) {
  return block.name.starts_with("layer") || block.name.starts_with("stages") ||
         block.name.starts_with("features.denseblock") || block.name.starts_with("features.transition");
}

TEST(Build, ShapesOfEachBlockAreThoseOfTheOutline) {
  for (ModelSpec spec : models()) {
    if (spec.family == Family::fully_connected || weight_layers(spec) > 300) continue;
    for (const int size : {spec.input.height, spec.input.height + 5}) {
      spec.input = {3, size, size - 2};
      const Graph graph = forward_graph(spec, 2, Mode::inference);
      int blocks = 0;
      for (const StageOutline& stage : outline(spec))
        for (const BlockOutline& block : stage.blocks) {
          if (!is_block(block)) continue;
          EXPECT_EQ(block_output(graph, block.name), block.output) << spec.name << " " << block.name;
          ++blocks;
        }
      const int transitions = spec.family == Family::densenet ? static_cast<int>(spec.blocks.size()) - 1 : 0;
      EXPECT_EQ(blocks, std::accumulate(spec.blocks.begin(), spec.blocks.end(), transitions)) << spec.name;
    }
  }
}

// Table 1 of the paper.
TEST(Build, ShapesPerStage) {
  const Graph graph = forward_graph(find_model("resnet50"), 1, Mode::inference);
  EXPECT_EQ(block_output(graph, "layer1.2"), (Shape{256, 56, 56}));
  EXPECT_EQ(block_output(graph, "layer2.3"), (Shape{512, 28, 28}));
  EXPECT_EQ(block_output(graph, "layer3.5"), (Shape{1024, 14, 14}));
  EXPECT_EQ(block_output(graph, "layer4.2"), (Shape{2048, 7, 7}));
}

TEST(Build, ClassesChannelsAndSizesAreFree) {
  for (const ModelSpec& row : models()) {
    if (weight_layers(row) > 300) continue;
    const ModelSpec spec = find_model(row.name, {.classes = 7, .input = ImageSize{1, 47, 65}});
    const Graph graph = forward_graph(spec, 2, Mode::training);
    EXPECT_EQ(graph[*graph.find("logits")].shape, (Shape{2, 7})) << row.name;
  }
}

const Node& node_named(const Graph& graph, const std::string& name) {
  const auto found = std::ranges::find(graph.nodes(), name, &Node::name);
  EXPECT_NE(found, graph.nodes().end()) << name;
  return *found;
}

TEST(Build, TheStrideSitsWhereTheSpecSays) {
  const auto strides = [](StrideAt at) {
    const Graph graph = forward_graph(find_model("resnet50", {.stride_at = at}), 1, Mode::inference);
    return std::pair(std::get<Conv>(node_named(graph, "layer2.0.conv1").op).window.stride_h,
                     std::get<Conv>(node_named(graph, "layer2.0.conv2").op).window.stride_h);
  };
  EXPECT_EQ(strides(StrideAt::conv3x3), std::pair(1, 2));
  EXPECT_EQ(strides(StrideAt::conv1x1), std::pair(2, 1));
}

template <class OpType>
std::vector<OpType> ops_of(const Graph& graph) {
  std::vector<OpType> found;
  for (const Node& node : graph.nodes())
    if (const auto* op = std::get_if<OpType>(&node.op)) found.push_back(*op);
  return found;
}

TEST(Build, OptionAPadsChannelsAroundOrAfter) {
  const Graph around = forward_graph(find_model("resnet20"), 1, Mode::inference);
  const auto padded = ops_of<Subsample>(around);
  ASSERT_EQ(padded.size(), 2u);
  EXPECT_EQ(padded[0].stride, 2);
  EXPECT_EQ(padded[0].before, 8);
  EXPECT_EQ(padded[0].after, 8);
  EXPECT_EQ(padded[1].before, 16);
  const ModelSpec spec = find_model("resnet20", {.zero_channels = ZeroChannels::after});
  const auto after = ops_of<Subsample>(forward_graph(spec, 1, Mode::inference));
  EXPECT_EQ(after[1].before, 0);
  EXPECT_EQ(after[1].after, 32);
}

TEST(Build, OneAdditionPerBlockAndNoneInPlainNetworks) {
  const auto additions = [](const char* name) {
    return ops_of<Binary>(forward_graph(find_model(name), 1, Mode::inference)).size();
  };
  EXPECT_EQ(additions("resnet110"), 54u);
  EXPECT_EQ(additions("resnet152"), 50u);
  EXPECT_EQ(additions("plain110"), 0u);
  EXPECT_EQ(additions("plain34"), 0u);
}

TEST(Build, ConvolutionsHaveNoBiasAndHeInitialisation) {
  const Graph graph = forward_graph(find_model("resnet18"), 1, Mode::inference);
  for (const Conv& conv : ops_of<Conv>(graph)) EXPECT_FALSE(conv.bias);
  EXPECT_EQ(graph[*graph.find("conv1.weight")].init, Init::he_normal_fan_out);
  EXPECT_EQ(graph[*graph.find("fc.weight")].init, Init::uniform_fan_in);
}

TEST(Build, LossGraphHasItsInputsAndOutputs) {
  const ModelSpec spec = find_model("resnet20");
  const Graph hard = loss_graph(spec, 4, Mode::training);
  for (const char* name : {"images", "labels", "loss", "probabilities", "logits"}) EXPECT_TRUE(hard.find(name)) << name;
  EXPECT_EQ(hard[*hard.find("labels")].dtype, DType::i32);
  EXPECT_FALSE(hard.updates().empty());
  const Graph soft = loss_graph(spec, 4, Mode::inference, 0.1f, true);
  EXPECT_EQ(soft[*soft.find("targets")].shape, (Shape{4, 10}));
  EXPECT_TRUE(soft.updates().empty());
  verify(hard);
  verify(soft);
}

TEST(Build, ImagesOfAnotherSizeAreRefused) {
  Builder net(Mode::inference);
  const Value images = net.input("images", {2, 3, 28, 28});
  try {
    build_network(net, find_model("resnet20"), images);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "model 'resnet20' expects images [Nx3x32x32], got [2x3x28x28]");
  }
}

TEST(Build, FullyConnectedTakesVectorsAndImages) {
  const ModelSpec spec =
      find_model("residual_mlp", {.classes = 5, .input = ImageSize{16, 1, 1}, .width = 8, .depth = 3});
  Builder net(Mode::inference);
  EXPECT_EQ(net.shape(build_network(net, spec, net.input("x", {7, 16}))), (Shape{7, 5}));
  const auto keys = state_shapes(net.take());
  EXPECT_EQ(keys, state_shapes(forward_graph(spec, 1, Mode::training)));
  EXPECT_EQ(keys.at("input.weight"), (Shape{8, 16}));
  EXPECT_EQ(keys.at("blocks.2.linear2.bias"), (Shape{8}));
  EXPECT_EQ(keys.at("output.weight"), (Shape{5, 8}));
  EXPECT_EQ(keys.size(), 2u * (2 + 3 * 2));
}

// The notebook's networks: a ReLU after every layer, the last one too, and none after the addition.
TEST(Build, TheNotebooksNetworks) {
  ModelSpec spec = find_model("mlp", {.classes = 16, .input = ImageSize{16, 1, 1}, .width = 16, .depth = 10});
  spec.relu_output = true;
  Graph graph = forward_graph(spec, 1, Mode::training);
  EXPECT_EQ(ops_of<Linear>(graph).size(), 10u);
  EXPECT_EQ(ops_of<Unary>(graph).size(), 10u);
  EXPECT_EQ(graph[*graph.find("hidden.7.weight")].init, Init::he_normal_fan_in);
  EXPECT_EQ(graph[*graph.find("hidden.7.bias")].init, Init::zeros);
  spec.shortcut = Shortcut::option_a;
  graph = forward_graph(spec, 1, Mode::training);
  EXPECT_EQ(ops_of<Linear>(graph).size(), 22u);
  EXPECT_EQ(ops_of<Unary>(graph).size(), 22u);
  EXPECT_EQ(ops_of<Binary>(graph).size(), 10u);
}

// With a branch of zero weights a residual block is the identity.
TEST(Build, AResidualBlockWithoutBranchIsTheIdentity) {
  const ModelSpec spec =
      find_model("residual_mlp", {.classes = 4, .input = ImageSize{4, 1, 1}, .width = 4, .depth = 6});
  const Graph graph = forward_graph(spec, 1, Mode::inference);
  State state;
  initialise(state, graph, 1);
  for (const auto& [name, tensor] : std::map(state.tensors()))
    if (name.ends_with("weight")) {
      Tensor weight(tensor.shape());
      if (!name.starts_with("blocks"))
        for (int64_t i = 0; i < 4; ++i) weight.data<float>()[static_cast<std::size_t>(5 * i)] = 1;
      state.set(name, weight);
    }
  const auto program = compile(graph, state, {.backend = Backend::reference});
  Tensor x({1, 4, 1, 1});
  for (std::size_t i = 0; i < 4; ++i) x.data<float>()[i] = static_cast<float>(i) + 0.5f;
  program->set_input("images", x);
  program->run();
  const Tensor y = program->output("logits");
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(y.data<float>()[i], x.data<float>()[i]);
}

TEST(Build, EveryModelRunsOnSmallImages) {
  for (const char* name : {"resnet20", "plain20", "resnet18", "resnet50", "plain18", "mlp", "residual_mlp"}) {
    const ModelSpec spec = find_model(name, {.classes = 3, .input = ImageSize{2, 9, 7}});
    const Graph graph = forward_graph(spec, 2, Mode::inference);
    State state;
    initialise(state, graph, 5);
    const auto program = compile(graph, state, {.backend = Backend::reference});
    program->set_input("images", Tensor({2, 2, 9, 7}));
    program->run();
    const Tensor probabilities = program->output("probabilities");
    ASSERT_EQ(probabilities.shape(), (Shape{2, 3})) << name;
    float sum = 0;
    for (const float p : probabilities.data<float>()) sum += p;
    EXPECT_NEAR(sum, 2, 1e-5) << name;
  }
}

}  // namespace
}  // namespace resnet
