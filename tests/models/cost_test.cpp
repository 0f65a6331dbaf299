// Parameters and multiply-adds against the papers, torchvision and an independent count.
#include "models/cost.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

struct CostRow {
  const char* name;
  ModelOptions options;
  int64_t parameters;
  int64_t macs;
  const char* published = "";  // as printed
};

std::string label_of(const CostRow& row) {
  std::string label = row.name;
  if (row.options.shortcut) label += "_" + std::string(name_of(*row.options.shortcut));
  if (row.options.classes) label += "_" + std::to_string(*row.options.classes) + "_classes";
  if (row.options.stride_at) label += "_" + std::string(name_of(*row.options.stride_at));
  return label;
}

const ModelOptions standard = {};
const ModelOptions option_a = {.shortcut = Shortcut::option_a}, option_b = {.shortcut = Shortcut::option_b};
const ModelOptions option_c = {.shortcut = Shortcut::option_c};
const ModelOptions hundred_classes = {.classes = 100};
const ModelOptions early_stride = {.stride_at = StrideAt::conv1x1};

const CostRow rows[] = {
    {"resnet20", standard, 269722, 40551040, "40.55M"},
    {"resnet32", standard, 464154, 68862592, "68.86M"},
    {"resnet44", standard, 658586, 97174144, "97.17M"},
    {"resnet56", standard, 853018, 125485696, "125.49M"},
    {"resnet110", standard, 1727962, 252887680, "252.89M"},
    {"resnet1202", standard, 19421274, 2829238912, "2829.2M"},
    {"resnet20", option_b, 272474, 40813184},
    {"resnet32", option_b, 466906, 69124736},
    {"resnet44", option_b, 661338, 97436288},
    {"resnet56", option_b, 855770, 125747840},
    {"resnet110", option_b, 1730714, 253149824},
    {"resnet1202", option_b, 19424026, 2829501056},
    {"resnet20", option_c, 283962, 42648192},
    {"resnet32", option_c, 489594, 72532608},
    {"resnet44", option_c, 695226, 102417024},
    {"resnet56", option_c, 900858, 132301440},
    {"resnet110", option_c, 1826202, 266781312},
    {"resnet1202", option_c, 20538714, 2986263168},
    {"resnet18", standard, 11689512, 1814073344, "1.814G"},
    {"resnet34", standard, 21797672, 3663761408, "3.664G"},
    {"resnet50", standard, 25557032, 4089184256, "4.089G"},
    {"resnet101", standard, 44549160, 7801405440, "7.801G"},
    {"resnet152", standard, 60192808, 11513626624, "11.514G"},
    {"resnet50", early_stride, 25557032, 3857973248, "3.858G"},
    {"resnet101", early_stride, 44549160, 7570194432, "7.570G"},
    {"resnet152", early_stride, 60192808, 11282415616, "11.282G"},
    {"resnet34", option_a, 21623848, 3644493824},
    {"resnet34", option_c, 22716840, 3830747136},
    {"resnet50", option_a, 22780456, 3729522688},
    {"resnet50", option_c, 40128552, 6555435008},
    {"plain18", standard, 11515688, 1794805760, "1.8G"},
    {"plain34", standard, 21623848, 3644493824, "3.6G"},
    {"preact_resnet110", standard, 1727962, 252887680, "252.9M"},
    {"preact_resnet164", standard, 1703258, 244500992, "244.5M"},
    {"preact_resnet1001", standard, 10327706, 1487849984, "1487.8M"},
    {"preact_resnet1001", hundred_classes, 10350836, 1487873024},
    {"wrn16_4", standard, 2748890, 392612352, "392.6M"},
    {"wrn16_8", standard, 10961370, 1548145664, "1548.1M"},
    {"wrn28_10", standard, 36479194, 5243328768, "5243.3M"},
    {"wrn28_10", hundred_classes, 36536884, 5243386368},
    {"wrn40_2", standard, 2243546, 327599360, "327.6M"},
    {"wrn40_4", standard, 8949210, 1298582016, "1298.6M"},
    {"resnext29_8x64d", standard, 34426698, 5387266048, "5387.3M"},
    {"resnext29_16x64d", standard, 68155210, 10688866304, "10688.9M"},
    {"densenet40_12", standard, 1019722, 264812928, "264.8M"},
    {"densenet_bc100_12", standard, 769162, 287929692, "287.9M"},
    {"cifar_resnet18", standard, 11173962, 555422720, "555.4M"},
    {"cifar_resnet34", standard, 21282122, 1159402496, "1159.4M"},
    {"cifar_resnet50", standard, 23520842, 1297829888, "1297.8M"},
    {"resnext50_32x4d", standard, 25028904, 4230479872, "4.230G"},
    {"resnext101_32x8d", standard, 88791336, 16414015488, "16.414G"},
    {"resnext101_64x4d", standard, 83455272, 15460270080, "15.460G"},
    {"wide_resnet50_2", standard, 68883240, 11398021120, "11.398G"},
    {"wide_resnet101_2", standard, 126886696, 22753050624, "22.753G"},
    {"densenet121", standard, 7978856, 2834161664, "2.834G"},
    {"densenet161", standard, 28681000, 7727907072, "7.728G"},
    {"densenet169", standard, 14149480, 3359843328, "3.360G"},
    {"densenet201", standard, 20013928, 4291365888, "4.291G"},
    // timm prints 0.02 to 0.03 G more: its counter adds the batch norms.
    {"resnet18d", standard, 11708744, 2053713920},
    {"resnet34d", standard, 21816904, 3903401984},
    {"resnet50d", standard, 25576264, 4328824832},
    {"resnet101d", standard, 44568392, 8041046016},
    {"resnet152d", standard, 60212040, 11753267200},
    {"resnet200d", standard, 64693064, 15247122432},
    {"seresnet50", standard, 28088024, 4091699200},
    {"resnetv2_50", standard, 25549352, 4089184256},
    {"resnetv2_101", standard, 44541480, 7801405440},
};

class PublishedCost : public testing::TestWithParam<CostRow> {};

TEST_P(PublishedCost, IsExact) {
  const CostRow& row = GetParam();
  const NetworkCost cost = network_cost(find_model(row.name, row.options));
  EXPECT_EQ(cost.parameters, row.parameters);
  EXPECT_EQ(cost.macs, row.macs);
  const std::string_view published = row.published;
  if (published.empty()) return;
  const double unit = published.back() == 'M' ? 1e6 : 1e9;
  const std::size_t decimals = published.size() - published.find('.') - 2;
  EXPECT_EQ(fmt::format("{:.{}f}{}", static_cast<double>(cost.macs) / unit, decimals, published.back()), published);
}

INSTANTIATE_TEST_SUITE_P(Models, PublishedCost, testing::ValuesIn(rows),
                         [](const auto& row) { return label_of(row.param); });

TEST(Cost, PlainNetworksEqualResidualOnesWithOptionA) {
  for (const char* depth : {"20", "32", "44", "56", "110", "1202"}) {
    const NetworkCost plain = network_cost(find_model(std::string("plain") + depth));
    const NetworkCost residual = network_cost(find_model(std::string("resnet") + depth));
    EXPECT_EQ(plain.parameters, residual.parameters) << depth;
    EXPECT_EQ(plain.macs, residual.macs) << depth;
  }
  EXPECT_EQ(network_cost(find_model("plain34")).parameters, network_cost(find_model("resnet34", option_a)).parameters);
}

// MACs of torchvision's resnet50 at other sizes, in G.
TEST(Cost, FollowsTheImageSize) {
  const std::pair<int, double> sizes[] = {{128, 1.337}, {160, 2.087}, {176, 2.608}, {192, 3.005}, {256, 5.340}};
  for (const auto& [size, published] : sizes) {
    const ModelSpec spec = find_model("resnet50", {.input = ImageSize{3, size, size}});
    EXPECT_NEAR(static_cast<double>(network_cost(spec).macs) / 1e9, published, 0.0005) << size;
  }
}

TEST(Cost, LayersAddUpAndAreNamed) {
  const NetworkCost cost = network_cost(find_model("resnet20"));
  int64_t parameters = 0, macs = 0;
  for (const LayerCost& layer : cost.layers) parameters += layer.parameters, macs += layer.macs;
  EXPECT_EQ(parameters, cost.parameters);
  EXPECT_EQ(macs, cost.macs);
  const LayerCost& first = cost.layers.front();
  EXPECT_EQ(first.name, "conv1");
  EXPECT_EQ(first.op, "conv");
  EXPECT_EQ(first.output, (Shape{1, 16, 32, 32}));
  EXPECT_EQ(first.parameters, 432);
  EXPECT_EQ(first.macs, 442368);
}

TEST(Cost, GraphsOfABatchCountTheBatchButNotTheUpdates) {
  const ModelSpec spec = find_model("resnet20");
  const NetworkCost one = network_cost(spec), eight = network_cost(forward_graph(spec, 8, Mode::training));
  EXPECT_EQ(eight.macs, 8 * one.macs);
  EXPECT_EQ(eight.parameters, one.parameters);
}

// width * width + width for each layer in between.
TEST(Cost, FullyConnected) {
  const ModelOptions notebook = {.classes = 16, .input = ImageSize{16, 1, 1}, .width = 16, .depth = 10};
  EXPECT_EQ(network_cost(find_model("mlp", notebook)).parameters, 10 * (16 * 16 + 16));
  EXPECT_EQ(network_cost(find_model("residual_mlp", notebook)).parameters, 22 * (16 * 16 + 16));
  EXPECT_EQ(network_cost(find_model("residual_mlp", notebook)).macs, 22 * 16 * 16);
  const ModelOptions images = {.classes = 3, .input = ImageSize{1, 4, 4}, .width = 36, .depth = 28};
  EXPECT_EQ(network_cost(find_model("mlp", images)).parameters, 16 * 36 + 36 + 26 * (36 * 36 + 36) + 36 * 3 + 3);
}

}  // namespace
}  // namespace resnet
