// A small network of each family, trained one step on every backend: fused as unfused, the CPU's as the reference's in
// double, any number of threads as one.
#include "graph/passes.hpp"
#include "models/model.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <string>

namespace resnet {
namespace {

constexpr int classes = 5;
constexpr int64_t batch = 6;

struct FamilyCase {
  const char* name;
  ModelSpec spec;
};

const FamilyCase cases[] = {
    {"basic_option_a", {.blocks = {1, 2}, .widths = {8, 12}}},
    {"bottleneck_option_c",
     {.block = BlockKind::bottleneck, .blocks = {1, 2}, .widths = {4, 6}, .shortcut = Shortcut::option_c}},
    {"imagenet_stride_at_conv1x1",
     {.stem = Stem::conv7x7,
      .block = BlockKind::bottleneck,
      .blocks = {1, 1},
      .widths = {8, 8},
      .shortcut = Shortcut::option_b,
      .stride_at = StrideAt::conv1x1}},
    {"groups_of_four",
     {.block = BlockKind::bottleneck,
      .blocks = {1, 2},
      .widths = {16, 32},
      .shortcut = Shortcut::option_b,
      .groups = 4,
      .group_width = 16}},
    {"groups_of_a_block",
     {.block = BlockKind::bottleneck,
      .blocks = {1, 1},
      .widths = {16, 32},
      .shortcut = Shortcut::option_b,
      .groups = 2,
      .group_width = 64}},
    {"wide_inside",
     {.block = BlockKind::bottleneck,
      .blocks = {1, 1},
      .widths = {4, 8},
      .shortcut = Shortcut::option_b,
      .group_width = 128}},
    {"deep_stem_pooled_projection",
     {.stem = Stem::deep,
      .blocks = {1, 1, 1},
      .widths = {8, 12, 16},
      .shortcut = Shortcut::option_b,
      .projection = Projection::pooled}},
    {"squeeze_and_stochastic_depth",
     {.blocks = {1, 2}, .widths = {8, 16}, .shortcut = Shortcut::option_b, .squeeze = 4, .stochastic_depth = 0.5}},
    {"preactivation_basic_with_dropout",
     {.stem_width = 8,
      .blocks = {1, 2},
      .dropout = 0.3,
      .widths = {16, 24},
      .preactivation = true,
      .shortcut = Shortcut::option_b}},
    {"preactivation_option_a", {.blocks = {2, 1}, .widths = {8, 16}, .preactivation = true}},
    {"preactivation_bottleneck",
     {.stem = Stem::conv7x7,
      .block = BlockKind::bottleneck,
      .blocks = {2, 1},
      .widths = {4, 8},
      .preactivation = true,
      .shortcut = Shortcut::option_b}},
    {"norm_after_addition", {.blocks = {1, 2}, .widths = {8, 16}, .activation = Activation::norm_after_addition}},
    {"relu_before_addition", {.blocks = {1, 2}, .widths = {8, 16}, .activation = Activation::relu_before_addition}},
    {"relu_preactivation_bottleneck",
     {.block = BlockKind::bottleneck,
      .blocks = {2, 1},
      .widths = {4, 8},
      .activation = Activation::relu_preactivation,
      .shortcut = Shortcut::option_b}},
    {"scaled", {.blocks = {1, 2}, .widths = {8, 16}, .shortcut_scale = 0.5, .branch_scale = 0.75}},
    {"exclusive_gate", {.blocks = {1, 2}, .widths = {8, 16}, .gate = Gate::exclusive, .gate_bias = -1}},
    {"shortcut_gate_and_dropout",
     {.blocks = {1, 2},
      .widths = {8, 16},
      .shortcut = Shortcut::option_c,
      .gate = Gate::shortcut_only,
      .shortcut_dropout = 0.5}},
    {"preactivation_gate", {.blocks = {2, 1}, .widths = {8, 16}, .preactivation = true, .gate = Gate::exclusive}},
    {"dense_basic", {.family = Family::densenet, .stem_width = 8, .blocks = {2, 2}, .dropout = 0.2, .growth = 5}},
    {"dense_bottleneck",
     {.family = Family::densenet,
      .stem = Stem::conv7x7,
      .stem_width = 8,
      .block = BlockKind::bottleneck,
      .blocks = {2, 2},
      .growth = 4,
      .compression = 0.5}},
};
void PrintTo(const FamilyCase& row, std::ostream* out) { *out << row.name; }

Graph training_network(ModelSpec spec, int64_t images = batch) {
  spec.classes = classes;
  spec.input = {3, 17, 16};
  return loss_graph(spec, images, Mode::training, 0.1f);
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

class Families : public testing::TestWithParam<FamilyCase> {};

TEST_P(Families, FusedGradientsEqualUnfusedOnes) {
  const Graph unfused = training_network(GetParam().spec), fused = fuse(unfused);
  EXPECT_LT(fused.nodes().size(), unfused.nodes().size());
  const Values values = draw(unfused, 1, classes);
  const Values expected = run(with_gradients(unfused), values, in_double);
  expect_close(run(with_gradients(fused), values, in_double), expected, 1e-10);
  // In float32 a ReLU's input next to zero may change its sign, and a gradient then differs in one pixel.
  expect_close(run(with_gradients(unfused), values, {.backend = Backend::cpu}), expected, 2e-3);
  expect_close(run(with_gradients(fused), values, {.backend = Backend::cpu}), expected, 2e-3);
}

TEST_P(Families, ThreadsChangeNoBit) {
  const Graph graph = with_gradients(fuse(training_network(GetParam().spec, 11)));
  const Values values = draw(graph, 2, classes);
  const Values one = run(graph, values, {.backend = Backend::cpu});
  for (const int threads : {2, 3, 4, 8})
    EXPECT_TRUE(same_bits(
        one, run(graph, values, {.backend = Backend::cpu, .threads = std::make_shared<ThreadPool>(threads, threads)})))
        << threads << " threads";
}

TEST_P(Families, FoldedInferenceEqualsTheGraphAsWritten) {
  ModelSpec spec = GetParam().spec;
  spec.classes = classes;
  spec.input = {3, 17, 16};
  const Graph graph = forward_graph(spec, 3, Mode::inference);
  const Values values = draw(graph, 3, classes);
  Parameters parameters = values;
  parameters.erase("images");
  auto [folded, folded_values] = fold_batch_norm(graph, parameters);
  folded_values.emplace("images", values.at("images"));
  const Values expected = run(graph, values, in_double);
  expect_close(run(fuse(folded), folded_values, in_double), expected, 1e-5);
  expect_close(run(fuse(folded), folded_values, {.backend = Backend::cpu}), expected, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Models, Families, testing::ValuesIn(cases), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace resnet
