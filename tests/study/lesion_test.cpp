// What is taken out of a network leaves the network that is built without it, and gradients of single paths add up.
#include "base/error.hpp"
#include "base/random.hpp"
#include "graph/differentiate.hpp"
#include "study/lesion/findings.hpp"
#include "study/lesion/paths.hpp"
#include "study/lesion/report.hpp"
#include "study/lesion/units.hpp"
#include "train/inference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace resnet::test {
namespace {

/// Weights of any values, and statistics that are no identity.
State some_state(const ModelSpec& spec, uint64_t seed) {
  State state;
  initialise(state, forward_graph(spec, 2, Mode::inference), seed);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state.tensors()) names.push_back(name);
  for (const std::string& name : names)
    if (name.ends_with("running_mean") || name.ends_with("bias")) {
      Rng rng(seed, name);
      for (float& value : state.at(name).data<float>()) value = static_cast<float>(0.3 * rng.normal());
    }
  return state;
}

Tensor some_images(const ModelSpec& spec, int64_t count) {
  Tensor images({count, spec.input.channels, spec.input.height, spec.input.width});
  Rng rng(3, "images");
  for (float& x : images.data<float>()) x = static_cast<float>(rng.normal());
  return images;
}

std::vector<float> logits_of(const ModelSpec& spec, const State& state, const Tensor& images) {
  InferenceProgram program(spec, state, {});
  const Tensor logits = program.logits(images);
  return {logits.data<float>().begin(), logits.data<float>().end()};
}

LesionUnits units_of(const char* model, const ModelOptions& options = {}) {
  return find_units(forward_graph(find_model(model, options), 2, Mode::inference));
}

std::size_t index_of(const LesionUnits& units, const std::string& name) {
  const auto found = std::ranges::find(units.units, name, &LesionUnit::name);
  if (found == units.units.end()) fail("no unit ", name);
  return static_cast<std::size_t>(found - units.units.begin());
}

TEST(Lesion, FindsWhatCanBeTakenOut) {
  const LesionUnits residual = units_of("resnet20"), plain = units_of("plain20"), wide = units_of("plain18");
  EXPECT_TRUE(residual.residual);
  EXPECT_EQ(residual.units.size(), 9);
  EXPECT_EQ(residual.units.back().layer, 19);
  EXPECT_EQ(std::ranges::count(residual.units, true, &LesionUnit::resamples), 2);
  EXPECT_FALSE(plain.residual);
  EXPECT_EQ(plain.units.size(), 18);
  EXPECT_EQ(std::ranges::count(plain.units, true, &LesionUnit::resamples), 2);
  EXPECT_TRUE(plain.untouched.empty());
  EXPECT_EQ(wide.units.size(), 16);
  EXPECT_EQ(units_of("residual_mlp").units.size(), 10);
  EXPECT_THROW(units_of("densenet40_12"), Error);
}

TEST(Lesion, DeletingABlockLeavesTheNetworkThatIsBuiltWithoutIt) {
  for (const char* model : {"resnet20", "preact_resnet110", "resnet26"}) {
    SCOPED_TRACE(model);
    ModelSpec whole = find_model(model);
    ModelSpec shorter = whole;
    --shorter.blocks[1];
    shorter.name = "shorter";
    const State state = some_state(whole, 7);
    const Tensor images = some_images(whole, 3);
    const LesionUnits units = find_units(forward_graph(whole, 2, Mode::inference));
    // The last block of the second stage: the names of all others stay.
    const int last = whole.blocks[1] - 1;
    const std::string name = whole.preactivation ? text_of("stages.1.blocks.", last) : text_of("layer2.", last);
    const ModelSpec without = lesioned(whole, {.deleted = {index_of(units, name)}});
    EXPECT_EQ(logits_of(without, state, images), logits_of(shorter, state, images));
    EXPECT_EQ(logits_of(lesioned(whole, {}), state, images), logits_of(whole, state, images));
  }
}

TEST(Lesion, DeletingPlainLayersLeavesTheNetworkThatIsBuiltWithoutThem) {
  const ModelSpec whole = find_model("plain20");
  ModelSpec shorter = whole;
  shorter.blocks = {2, 3, 3};
  const State state = some_state(whole, 7);
  const Tensor images = some_images(whole, 3);
  const LesionUnits units = units_of("plain20");
  const Lesion both{.deleted = {index_of(units, "layer1.2.conv1"), index_of(units, "layer1.2.conv2")}};
  EXPECT_EQ(logits_of(lesioned(whole, both), state, images), logits_of(shorter, state, images));
}

TEST(Lesion, ALayerThatChangesTheShapeBecomesShortcutA) {
  // With all else gone, what the last layers see is the image of the stem, subsampled twice.
  const ModelSpec plain = find_model("plain8"), residual = find_model("resnet8");
  const State state = some_state(plain, 5);
  const Tensor images = some_images(plain, 2);
  Lesion of_plain, of_residual;
  for (std::size_t unit = 0; unit < 6; ++unit) of_plain.deleted.insert(unit);
  for (std::size_t unit = 0; unit < 3; ++unit) of_residual.deleted.insert(unit);
  EXPECT_EQ(logits_of(lesioned(plain, of_plain), state, images),
            logits_of(lesioned(residual, of_residual), state, images));
}

TEST(Lesion, ExchangedBlocksHaveEachOthersWeights) {
  const ModelSpec spec = find_model("resnet20");
  const State state = some_state(spec, 7);
  const Tensor images = some_images(spec, 3);
  const LesionUnits units = units_of("resnet20");
  const std::size_t a = index_of(units, "layer3.1"), b = index_of(units, "layer3.2");
  ASSERT_TRUE(interchangeable(units, a, b));
  EXPECT_FALSE(interchangeable(units, index_of(units, "layer3.0"), a)) << "it halves the image";
  EXPECT_FALSE(interchangeable(units, index_of(units, "layer2.1"), a));
  Lesion exchange{.deleted = {}, .order = {0, 1, 2, 3, 4, 5, 6, 7, 8}};
  std::swap(exchange.order[a], exchange.order[b]);
  State moved = state;
  for (const auto& [name, tensor] : state.tensors())
    for (const auto& [from, to] : {std::pair{"layer3.1.", "layer3.2."}, {"layer3.2.", "layer3.1."}})
      if (name.starts_with(from)) moved.set(to + name.substr(9), tensor);
  EXPECT_EQ(logits_of(lesioned(spec, exchange), state, images), logits_of(spec, moved, images));
  EXPECT_NE(logits_of(lesioned(spec, exchange), state, images), logits_of(spec, state, images));
}

TEST(Lesion, KendallsTau) {
  EXPECT_EQ(kendall_tau({0, 1, 2, 3}), 1);
  EXPECT_EQ(kendall_tau({3, 2, 1, 0}), -1);
  EXPECT_NEAR(kendall_tau({1, 0, 2, 3}), 4.0 / 6, 1e-15);
}

TEST(Paths, GradientsOfAllPathsAddUpToTheGradient) {
  const ModelSpec spec = find_model("resnet8");
  State state = some_state(spec, 2);
  constexpr int64_t batch = 2;
  const Tensor images = some_images(spec, batch);
  Tensor labels(Shape{batch}, DType::i32);
  labels.data<int32_t>()[1] = 4;

  Graph whole = loss_graph(spec, batch, Mode::inference);
  const Value pixels = *whole.find("images");
  whole.add_output("dx", differentiate(whole, {{*whole.find("loss"), {}}}, {pixels}).at(pixels));
  const auto program = compile(whole, state, {});
  program->set_input("images", images);
  program->set_input("labels", labels);
  program->run();
  const Tensor expected = program->output("dx");

  PathGradients paths(spec, state, batch, {});
  ASSERT_EQ(paths.blocks(), 3);
  std::vector<double> sum(expected.data<float>().size());
  for (unsigned subset = 0; subset < 8; ++subset) {
    std::vector<bool> through;
    for (unsigned block = 0; block < 3; ++block) through.push_back((subset >> block & 1) != 0);
    const std::vector<double> norms = paths.run(images, labels, std::vector<std::vector<bool>>(batch, through));
    const Tensor gradients = paths.gradients();
    double squares = 0;
    for (std::size_t k = 0; k < sum.size(); ++k) {
      const double value = double{gradients.data<float>()[k]};
      sum[k] += value;
      if (k < sum.size() / batch) squares += value * value;
    }
    EXPECT_NEAR(norms[0], std::sqrt(squares), 1e-9 * norms[0]);
  }
  double largest = 0;
  for (const float value : expected.data<float>()) largest = std::max(largest, batch * std::abs(double{value}));
  ASSERT_GT(largest, 0);
  for (std::size_t k = 0; k < sum.size(); ++k)
    ASSERT_NEAR(sum[k], batch * double{expected.data<float>()[k]}, 1e-4 * largest);
}

/// y = x + a x twice, with one number and a = 2, then 3; the loss is y.
TEST(Paths, GradientsByHand) {
  Builder net(Mode::inference);
  Value x = net.input("images", {2, 1});
  for (const char* name : {"one", "two"}) {
    const auto scope = net.scope(name);
    x = net.add(net.linear("linear", x, {.units = 1, .bias = false}), x);
  }
  const Value mean = net.graph().add_node("mean", Reduce{.shape = {1, 1}, .mean = true}, {x})[0];
  net.observe("loss", net.graph().add_node("loss", Reshape{.shape = {1}}, {mean})[0]);
  std::size_t blocks = 0;
  const Graph graph = path_graph(net.take(), blocks);
  ASSERT_EQ(blocks, 2);
  State state;
  initialise(state, graph, 0);
  state.at("one.linear.weight").data<float>()[0] = 2;
  state.at("two.linear.weight").data<float>()[0] = 3;
  state.touch();
  const auto program = compile(graph, state, {});
  Tensor images({2, 1});
  images.data<float>()[0] = 5;
  images.data<float>()[1] = -7;
  program->set_input("images", images);
  // The first image goes through the first branch and the second shortcut, the other one through both branches.
  const float gates[2][2][2] = {{{1, 1}, {0, 0}}, {{0, 1}, {1, 0}}};  // [block][branch, shortcut][image]
  for (std::size_t block = 0; block < 2; ++block)
    for (const bool branch : {true, false}) {
      Tensor gate({2, 1});
      std::ranges::copy(gates[block][branch ? 0 : 1], gate.data<float>().begin());
      program->set_input(text_of("gate/", block, branch ? "/branch" : "/shortcut"), gate);
    }
  program->run();
  const Tensor gradient = program->output("gradient"), loss = program->output("loss");
  EXPECT_EQ(gradient.data<float>()[0], 2);
  EXPECT_EQ(gradient.data<float>()[1], 6);
  EXPECT_EQ(loss.data<float>()[0], (5 - 7) * 3 * 4 / 2.0f) << "gates change no value";
}

TEST(Paths, Lengths) {
  EXPECT_NEAR(std::exp(log_paths(10, 3)), 120, 1e-9);
  LesionedNetwork network;
  network.units = 4;
  for (int64_t length = 0; length <= 4; ++length)  // a tenth for each block: 1, 0.4, 0.06, 0.004, 0.0001
    network.paths.push_back({.length = length,
                             .log10_paths = log_paths(4, static_cast<std::size_t>(length)) / std::log(10.0),
                             .mean = std::pow(0.1, length),
                             .median = std::pow(0.1, length)});
  const PathShares shares = shares_of(network);
  EXPECT_NEAR(shares.share[1], 0.4 / std::pow(1.1, 4), 1e-12);
  EXPECT_EQ(shares.low, 0);
  EXPECT_EQ(shares.middle, 0);
  EXPECT_EQ(shares.high, 1);
  EXPECT_NEAR(shares.factor, 0.1, 1e-12);
  EXPECT_NEAR(shares.correlation, -1, 1e-12);
}

TEST(LesionedNetworks, WhatIsKeptOfTheAccuracyAboveChance) {
  LesionedNetwork network;
  network.classes = 10;
  network.whole.error = 0.1;
  EXPECT_TRUE(network.learnt());
  EXPECT_NEAR(network.kept({.error = 0.1}), 1, 1e-12);
  EXPECT_NEAR(network.kept({.error = 0.9}), 0, 1e-12);
  EXPECT_NEAR(network.kept({.error = 0.5}), 0.5, 1e-12);
  network.whole.error = 0.85;
  EXPECT_FALSE(network.learnt());
}

TEST(TrainedNetworks, TakeImagesOfAllClasses) {
  for (const bool in_turn : {true, false}) {
    std::vector<int> labels;
    for (int index = 0; index < 1000; ++index) labels.push_back(in_turn ? index % 10 : index / 100);
    const auto all = memory_dataset(std::vector<std::string>(10, "c"), {1, 1, 1}, std::vector<uint8_t>(1000), labels);
    const auto some = TrainedNetworks::some(all, 100);
    ASSERT_EQ(some->size(), 100);
    std::map<int, int> counts;
    for (int64_t index = 0; index < 100; ++index) ++counts[some->label(index)];
    ASSERT_EQ(counts.size(), 10) << in_turn;
    for (const auto& [label, count] : counts) EXPECT_GE(count, 3) << label;
    EXPECT_EQ(TrainedNetworks::some(all, 0)->size(), 1000);
    EXPECT_EQ(TrainedNetworks::some(all, 5000)->size(), 1000);
  }
}

}  // namespace
}  // namespace resnet::test
