// What the blocks of He et al. 2016 compute, held against each other: each change undone by other numbers.
#include "base/error.hpp"
#include "graph/differentiate.hpp"
#include "graph/op_functions.hpp"
#include "models/cost.hpp"
#include "models/model.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace resnet {
namespace {

ModelSpec small(void (*change)(ModelSpec&)) {
  ModelSpec spec{.name = "small", .input = {3, 9, 8}, .classes = 4, .blocks = {1, 2}, .widths = {4, 8}};
  change(spec);
  check(spec);
  return spec;
}

/// Logits in double; parameters that only one of two networks has do not change those of the others.
Tensor logits(const ModelSpec& spec, Values& values) {
  const Graph graph = forward_graph(spec, 3, Mode::inference);
  for (auto& [name, tensor] : draw(graph, 5, spec.classes)) values.emplace(name, tensor);
  Values used;
  for (const auto& [name, tensor] : values)
    if (graph.find(name)) used.emplace(name, tensor);
  return run(graph, used, in_double).at("logits");
}

void expect_equal(const Tensor& a, const Tensor& b) { EXPECT_LT(distance(a, b), 1e-9 * (1 + norm(a))); }
void expect_different(const Tensor& a, const Tensor& b) { EXPECT_GT(distance(a, b), 1e-3 * norm(a)); }

void fill(Values& values, const std::string& part, float x) {
  for (auto& [name, tensor] : values)
    if (name.find(part) != std::string::npos) std::ranges::fill(tensor.data<float>(), x);
}

TEST(ShortcutChanges, AGateOfZeroIsTheOriginal) {
  Values values;
  const Tensor original = logits(small([](ModelSpec&) {}), values);
  const ModelSpec gated = small([](ModelSpec& spec) {
    spec.gate = Gate::shortcut_only;
    spec.gate_bias = -50;
  });
  logits(gated, values);
  fill(values, "gate.weight", 0);
  fill(values, "gate.bias", 0);
  expect_equal(logits(gated, values), original);
  fill(values, "gate.bias", 50);  // g = 1/2
  expect_different(logits(gated, values), original);
}

TEST(ShortcutChanges, AHalfOpenExclusiveGateIsConstantScaling) {
  Values values;
  const ModelSpec gated = small([](ModelSpec& spec) { spec.gate = Gate::exclusive; });
  logits(gated, values);
  fill(values, "gate.weight", 0);
  fill(values, "gate.bias", 0);
  const Tensor half = logits(gated, values);
  expect_equal(half, logits(small([](ModelSpec& spec) { spec.shortcut_scale = spec.branch_scale = 0.5; }), values));
  expect_different(half, logits(small([](ModelSpec& spec) { spec.shortcut_scale = 0.5; }), values));
  // The gate's start is its bias.
  fill(values, "gate.bias", 0.75f);
  const Tensor biased = logits(gated, values);
  fill(values, "gate.bias", 0);
  expect_equal(logits(small([](ModelSpec& spec) {
                        spec.gate = Gate::exclusive;
                        spec.gate_bias = 0.75;
                      }),
                      values),
               biased);
}

TEST(ShortcutChanges, DropoutIsOnTheShortcutAndOnlyInTraining) {
  Values values;
  const ModelSpec spec = small([](ModelSpec& s) { s.shortcut_dropout = 0.5; });
  expect_equal(logits(spec, values), logits(small([](ModelSpec&) {}), values));
  const Graph graph = forward_graph(spec, 2, Mode::training);
  int64_t dropouts = 0;
  for (const Node& node : graph.nodes()) {
    const auto* dropout = std::get_if<Dropout>(&node.op);
    if (!dropout) continue;
    ++dropouts;
    EXPECT_FALSE(dropout->per_image);
    EXPECT_FLOAT_EQ(dropout->probability, 0.5f);
    const auto reads = [&](const Node& reader) { return reader.inputs.back() == node.outputs[0]; };
    EXPECT_TRUE(std::ranges::any_of(graph.nodes(), reads)) << "the second side of the addition is the shortcut";
  }
  EXPECT_EQ(dropouts, 3);
}

/// The op in front of the pooling, and what the first block's addition is followed and preceded by.
std::vector<std::string> around_addition(const ModelSpec& spec) {
  const Graph graph = forward_graph(spec, 1, Mode::inference);
  const auto& nodes = graph.nodes();
  const auto is_addition = [](const Node& node) {
    const auto* binary = std::get_if<Binary>(&node.op);
    return binary && binary->kind == BinaryKind::add;
  };
  const auto word = [](const Node& node) { return text_of(name_of(node.op), " ", describe(node.op)); };
  const auto join = std::ranges::find_if(nodes, is_addition);
  const Node& before = nodes[static_cast<std::size_t>(graph[join->inputs[0]].producer)];
  const auto after = std::ranges::find_if(nodes, [&](const Node& n) { return n.inputs[0] == join->outputs[0]; });
  const auto pool =
      std::ranges::find_if(nodes, [](const Node& n) { return std::holds_alternative<GlobalAveragePool>(n.op); });
  return {word(before), word(*after), word(nodes[static_cast<std::size_t>(graph[pool->inputs[0]].producer)])};
}

TEST(ShortcutChanges, ActivationsStandWhereFigure4HasThem) {
  const auto order = [](Activation activation) {
    ModelSpec spec = small([](ModelSpec&) {});
    spec.activation = activation;
    return around_addition(spec);
  };
  const std::vector<std::string> original = order(Activation::original);
  const std::string norm = original[0], relu = original[1];
  EXPECT_NE(norm.find("batch_norm"), std::string::npos);
  EXPECT_NE(relu.find("relu"), std::string::npos);
  EXPECT_EQ(original[2], relu);
  const std::vector<std::string> after = order(Activation::norm_after_addition);
  EXPECT_EQ(after[0].find("conv"), 0);
  EXPECT_EQ(after[1], norm);
  EXPECT_EQ(after[2], relu);
  const std::vector<std::string> before = order(Activation::relu_before_addition);
  EXPECT_EQ(before[0], relu);
  EXPECT_NE(before[1], relu);
  const std::vector<std::string> only = order(Activation::relu_preactivation);
  EXPECT_EQ(only[0], norm);
  EXPECT_EQ(only[1], relu);
  EXPECT_EQ(only[2], relu);
}

class ChangedGradients : public testing::TestWithParam<void (*)(ModelSpec&)> {};

TEST_P(ChangedGradients, EqualFiniteDifferences) {
  Graph graph = loss_graph(small(GetParam()), 3, Mode::training);
  std::vector<Value> wanted = graph.parameters();
  for (const auto& [value, gradient] : differentiate(graph, {{*graph.find("loss"), {}}}, wanted))
    graph.add_output("d." + graph[value].name, gradient);
  const Values values = draw(graph, 7, 4);
  const Values gradients = run(graph, values, in_double);
  Tensor one(Shape{1});
  one.data<float>()[0] = 1;
  FiniteDifferences differences(graph, values, "loss", one);
  for (const Value parameter : wanted) {
    const std::string& name = graph[parameter].name;
    const bool around_shortcut = name.find("layer2.0.") == 0 || name == "conv1.weight";
    if (around_shortcut) differences.expect_gradient(name, gradients.at("d." + name), 4, 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ChangedGradients,
                         testing::Values([](ModelSpec& s) { s.activation = Activation::norm_after_addition; },
                                         [](ModelSpec& s) { s.activation = Activation::relu_before_addition; },
                                         [](ModelSpec& s) { s.activation = Activation::relu_preactivation; },
                                         [](ModelSpec& s) { s.shortcut_scale = s.branch_scale = 0.5; },
                                         [](ModelSpec& s) {
                                           s.gate = Gate::exclusive;
                                           s.gate_bias = -1;
                                         },
                                         [](ModelSpec& s) { s.gate = Gate::shortcut_only; },
                                         [](ModelSpec& s) { s.shortcut_dropout = 0.5; },
                                         [](ModelSpec& s) { s.shortcut = Shortcut::option_c; },
                                         [](ModelSpec& s) { s.preactivation = true; }));

TEST(ShortcutChanges, CostTheParametersOfTheirGates) {
  const auto parameters = [](void (*change)(ModelSpec&)) { return network_cost(small(change)).parameters; };
  const int64_t original = parameters([](ModelSpec&) {});
  const int64_t gates = (4 * 4 + 4) + (4 * 8 + 8) + (8 * 8 + 8);
  EXPECT_EQ(parameters([](ModelSpec& s) { s.gate = Gate::exclusive; }), original + gates);
  EXPECT_EQ(parameters([](ModelSpec& s) { s.gate = Gate::shortcut_only; }), original + gates);
  EXPECT_EQ(parameters([](ModelSpec& s) { s.shortcut_scale = 0.5; }), original);
  EXPECT_EQ(parameters([](ModelSpec& s) { s.shortcut_dropout = 0.5; }), original);
  for (const Activation activation :
       {Activation::norm_after_addition, Activation::relu_before_addition, Activation::relu_preactivation}) {
    ModelSpec spec = small([](ModelSpec&) {});
    spec.activation = activation;
    EXPECT_EQ(network_cost(spec).parameters, original);
  }
}

TEST(ShortcutChanges, AreKeptInFilesAndSaidInWords) {
  const ModelSpec spec = small([](ModelSpec& s) {
    s.activation = Activation::relu_before_addition;
    s.shortcut_scale = 0.5;
    s.branch_scale = 2;
    s.gate = Gate::exclusive;
    s.gate_bias = -6;
    s.shortcut_dropout = 0.25;
  });
  EXPECT_EQ(spec_from_json(to_json_text(spec)), spec);
  const std::string words = describe_structure(spec);
  for (const char* part : {"ReLU before addition", "exclusive gate with bias -6", "shortcut times 0.5",
                           "branch times 2", "dropout 0.25 on the shortcut"})
    EXPECT_NE(words.find(part), std::string::npos) << words;
}

TEST(ShortcutChanges, AreRefusedWhereThereIsNothingToChange) {
  const auto problem = [](void (*change)(ModelSpec&)) {
    try {
      small(change);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(problem([](ModelSpec& s) {
              s.shortcut = Shortcut::none;
              s.gate = Gate::exclusive;
            }).find("no shortcuts to change"),
            std::string::npos);
  EXPECT_NE(problem([](ModelSpec& s) {
              s.preactivation = true;
              s.activation = Activation::relu_preactivation;
            }).find("no other order of activation"),
            std::string::npos);
  EXPECT_NE(problem([](ModelSpec& s) { s.shortcut_dropout = 1; }).find("shortcut dropout"), std::string::npos);
  EXPECT_NE(problem([](ModelSpec& s) {
              s.zero_gamma = true;
              s.activation = Activation::norm_after_addition;
            }).find("gamma"),
            std::string::npos);
}

}  // namespace
}  // namespace resnet
