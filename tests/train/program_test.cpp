// The compiled training step and the inference program beside it.
#include "base/log.hpp"
#include "data/open.hpp"
#include "train/inference.hpp"
#include "train/training_program.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace resnet {
namespace {

const ModelSpec& small_network() {
  static const ModelSpec spec = find_model("resnet8", {.classes = 3, .input = ImageSize{1, 8, 8}});
  return spec;
}

Recipe small_recipe() {
  Recipe recipe;
  recipe.batch = 16;
  recipe.weight_decay = 1e-4;
  return recipe;
}

struct Problem {
  DataSplit data = open_data("builtin:patterns?size=8&count=64", {.threads = 1});
  Loader loader{data.train, data.preprocessing, {.batch = 16, .augmentation = {.pad = 0, .flip = false}}};
};

TEST(TrainingProgram, DescentReducesTheLoss) {
  Problem problem;
  State state;
  TrainingProgram program(small_network(), small_recipe(), {}, state, 1, {});
  double first = 0, last = 0;
  for (int step = 0; step < 40; ++step) {
    const TrainingProgram::Result result = program.run(problem.loader.next(), 0.05, step);
    (step < 4 ? first : step >= 36 ? last : first) += step < 4 || step >= 36 ? result.loss / 4 : 0;
    EXPECT_FALSE(result.culprit);
  }
  EXPECT_LT(last, 0.7 * first);
}

// A step on shares of classes: the loss is the cross-entropy against the shares, and the weights move towards them.
TEST(TrainingProgram, LearnsFromSharesOfClasses) {
  Problem problem;
  Recipe recipe = small_recipe();
  recipe.augmentation = {.pad = 0, .flip = false, .cutmix = 1};
  Loader loader(problem.data.train, problem.data.preprocessing, {.batch = 16, .augmentation = recipe.augmentation});
  State state;
  TrainingProgram program(small_network(), recipe, {}, state, 1, {});
  const Batch& batch = loader.next();
  double first = 0, last = 0;
  for (int step = 0; step < 80; ++step) {
    last = program.run(batch, 0.05, step).loss;
    if (step == 0) first = last;
  }
  double entropy = 0;  // what is left when the shares are found
  for (const float share : batch.targets.data<float>())
    if (share > 0) entropy -= double{share} * std::log(double{share}) / 16;
  EXPECT_GT(entropy, 0.1) << "the batch is mixed";
  EXPECT_GT(first, entropy + 0.5);
  EXPECT_NEAR(last, entropy, 0.05);
}

TEST(TrainingProgram, ACheckedStepHasTheSameBits) {
  Problem first, second;
  State a, b;
  TrainingProgram plain(small_network(), small_recipe(), {}, a, 1, {});
  TrainingProgram checked(small_network(), small_recipe(), {}, b, 1, {});
  for (int step = 0; step < 3; ++step) {
    const auto x = plain.run(first.loader.next(), 0.1, step);
    const auto y = checked.run(second.loader.next(), 0.1, step, true);
    EXPECT_EQ(x.loss, y.loss);
  }
  for (const auto& [name, tensor] : a.tensors())
    EXPECT_TRUE(std::ranges::equal(tensor.bytes(), b.at(name).bytes())) << name;
}

TEST(TrainingProgram, FingerprintsTellPlansApart) {
  State a, b;
  Recipe other = small_recipe();
  other.batch = 8;
  TrainingProgram first(small_network(), small_recipe(), {}, a, 1, {});
  TrainingProgram again(small_network(), small_recipe(), {}, b, 2, {});
  EXPECT_EQ(first.fingerprint(), again.fingerprint());
  State c;
  const ModelSpec plain = find_model("plain8", {.classes = 3, .input = ImageSize{1, 8, 8}});
  EXPECT_NE(TrainingProgram(plain, small_recipe(), {}, c, 1, {}).fingerprint(), first.fingerprint());
}

TEST(TrainingProgram, VectorsAreLeftOutOfTheDecayOnRequest) {
  Recipe recipe = small_recipe();
  recipe.decay_all = false;
  int decayed = 0, vectors = 0;
  const Graph graph = training_graph(small_network(), recipe);
  for (const Node& node : graph.nodes())
    if (const Sgd* sgd = std::get_if<Sgd>(&node.op)) {
      const bool vector = graph[node.inputs[0]].shape.rank() == 1;
      EXPECT_EQ(sgd->weight_decay > 0, !vector) << node.name;
      ++(vector ? vectors : decayed);
    }
  EXPECT_GT(decayed, 0);
  EXPECT_GT(vectors, 0);
}

TEST(TrainingProgram, CountsWeightLayers) {
  for (const int depth : {20, 56, 110}) EXPECT_EQ(weight_layers(find_model("resnet" + std::to_string(depth))), depth);
  EXPECT_EQ(weight_layers(find_model("resnet50")), 50);
  EXPECT_EQ(weight_layers(find_model("plain18")), 18);
}

TEST(InferenceProgram, FollowsTheWeightsAsTheyChange) {
  Problem problem;
  State state;
  TrainingProgram training(small_network(), small_recipe(), {}, state, 1, {});
  InferenceProgram kept(small_network(), state, {});
  const Tensor images = problem.loader.next().images;
  Tensor before = kept.logits(images);
  for (int step = 0; step < 2; ++step) {
    training.run(problem.loader.next(), 0.1, step);
    InferenceProgram fresh(small_network(), state, {});
    const Tensor expected = fresh.logits(images), now = kept.logits(images);
    EXPECT_TRUE(std::ranges::equal(now.bytes(), expected.bytes()));
    EXPECT_FALSE(std::ranges::equal(now.bytes(), before.bytes()));
    before = now;
  }
}

TEST(InferenceProgram, ServesSeveralBatchSizes) {
  Problem problem;
  State state;
  TrainingProgram training(small_network(), small_recipe(), {}, state, 1, {});
  InferenceProgram program(small_network(), state, {});
  const Tensor images = problem.loader.next().images;
  Tensor one(Shape{1, 1, 8, 8});
  std::ranges::copy(images.data<float>().first(64), one.data<float>().begin());
  const Tensor all = program.logits(images), single = program.logits(one);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(all.data<float>()[k], single.data<float>()[k], 1e-5);
}

// Groups and batches that AMX's kernels do not take are computed in bf16 by oneDNN, slower there than in fp32.
TEST(FasterPrecision, IsAMatterOfBatchAndConvolutionsOnAmx) {
  const CpuBackendInfo cpu = cpu_backend_info();
  const auto faster = [](const char* model, int64_t batch) {
    Recipe recipe = recipes().front();
    recipe.batch = batch;
    return faster_precision(find_model(model), recipe);
  };
  EXPECT_EQ(faster("resnet8", 32), cpu.fast_bf16 ? Precision::bf16 : Precision::fp32);
  const bool amx = cpu.instruction_set == std::string_view("amx");
  const Precision elsewhere = cpu.fast_bf16 && !amx ? Precision::bf16 : Precision::fp32;
  EXPECT_EQ(faster("resnet8", 20), elsewhere);
  EXPECT_EQ(faster("resnext29_8x64d", 32), elsewhere);
}

}  // namespace
}  // namespace resnet
