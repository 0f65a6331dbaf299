// What a user may choose of a network, where it lands in the graph, and how weights start.
#include "models/model.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace resnet {
namespace {

template <class OpType>
std::vector<OpType> ops_of(const Graph& graph) {
  std::vector<OpType> found;
  for (const Node& node : graph.nodes())
    if (const auto* op = std::get_if<OpType>(&node.op)) found.push_back(*op);
  return found;
}

// As each paper, or the implementation whose names the network has, starts it.
TEST(Variants, InitialisationFollowsThePapers) {
  const auto init = [](const char* model, const char* tensor, const ModelOptions& options = {}) {
    const Graph graph = forward_graph(find_model(model, options), 1, Mode::training);
    return graph[*graph.find(tensor)].init;
  };
  EXPECT_EQ(init("resnext50_32x4d", "layer1.0.conv2.weight"), Init::he_normal_fan_out);
  EXPECT_EQ(init("wrn28_10", "stages.0.blocks.0.conv2.weight"), Init::he_normal_fan_out);
  EXPECT_EQ(init("wrn28_10", "head.fc.bias"), Init::zeros);
  EXPECT_EQ(init("densenet121", "features.conv0.weight"), Init::he_normal_fan_in);
  EXPECT_EQ(init("densenet121", "classifier.bias"), Init::zeros);
  EXPECT_EQ(init("resnet50", "layer1.0.bn3.weight"), Init::ones);
  EXPECT_EQ(init("resnet50", "layer1.0.bn3.weight", {.zero_gamma = true}), Init::zeros);
  EXPECT_EQ(init("resnet50", "layer1.0.bn2.weight", {.zero_gamma = true}), Init::ones);
  EXPECT_EQ(init("resnet50", "layer1.0.downsample.1.weight", {.zero_gamma = true}), Init::ones);
  EXPECT_EQ(init("resnet18d", "layer1.0.bn2.weight"), Init::zeros);
  EXPECT_EQ(init("preact_resnet164", "stages.0.blocks.0.conv3.weight", {.zero_gamma = true}), Init::zeros);
}

// Huang et al. 2016, equation 4: the probability grows from almost none to that of the last block.
TEST(Variants, StochasticDepthGrowsWithTheBlock) {
  const ModelSpec spec = find_model("resnet20", {.stochastic_depth = 0.5});
  const auto drops = ops_of<Dropout>(forward_graph(spec, 2, Mode::training));
  ASSERT_EQ(drops.size(), 9u);
  for (std::size_t block = 0; block < drops.size(); ++block) {
    EXPECT_TRUE(drops[block].per_image && drops[block].rescale);
    EXPECT_FLOAT_EQ(drops[block].probability, 0.5f * static_cast<float>(block + 1) / 9);
  }
  EXPECT_EQ(ops_of<Dropout>(forward_graph(spec, 2, Mode::inference)).size(), 0u);
}

TEST(Variants, DropoutIsWhereThePapersHaveIt) {
  const auto wide = ops_of<Dropout>(forward_graph(find_model("wrn16_4", {.dropout = 0.3}), 2, Mode::training));
  ASSERT_EQ(wide.size(), 6u);
  EXPECT_FLOAT_EQ(wide[0].probability, 0.3f);
  EXPECT_FALSE(wide[0].per_image);
  const ModelSpec dense = find_model("densenet40_12", {.dropout = 0.2});
  EXPECT_EQ(ops_of<Dropout>(forward_graph(dense, 2, Mode::training)).size(), 36u + 2);
}

}  // namespace
}  // namespace resnet
