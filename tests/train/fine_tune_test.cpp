// Fine-tuning: weights of other files as a start, stages that stay as they are, stages that learn at their own rate.
#include "formats/model_file.hpp"
#include "support.hpp"
#include "train/stages.hpp"

#include <algorithm>

namespace resnet {
namespace {

class FineTune : public QuietRun {
 protected:
  /// A finished small run's model, and a request that starts from it.
  TrainRequest request_from_model() {
    train(small_request(folder / "first"));
    start = load_model(RunDirectory(folder / "first").best()).state;
    TrainRequest request = small_request(folder / "second");
    request.weights = RunDirectory(folder / "first").best();
    return request;
  }
  State trained() const { return load_model(RunDirectory(folder / "second").last()).state; }
  bool kept(const State& state, const std::string& name) const {
    return std::ranges::equal(state.at(name).bytes(), start.at(name).bytes());
  }
  State start;
};

TEST_F(FineTune, FrozenStagesKeepEveryByte) {
  TrainRequest request = request_from_model();
  request.recipe.freeze = {"stem", "layer1"};
  train(request);
  const State state = trained();
  for (const auto& [name, tensor] : state.tensors()) {
    const bool frozen = name.starts_with("conv1.") || name.starts_with("bn1.") || name.starts_with("layer1.");
    EXPECT_EQ(kept(state, name), frozen) << name;
  }
}

TEST_F(FineTune, BackboneIsAllButTheHead) {
  TrainRequest request = request_from_model();
  request.recipe.freeze = {"backbone"};
  train(request);
  const State state = trained();
  for (const auto& [name, tensor] : state.tensors()) EXPECT_EQ(kept(state, name), !name.starts_with("fc.")) << name;
}

TEST_F(FineTune, AFrozenRunResumesToTheSameBytes) {
  TrainRequest request = request_from_model();
  request.recipe.freeze = {"layer1"};
  request.recipe.stage_lr = {{"layer2", 0.5}};
  request.out = folder / "whole";
  train(request);
  request.out = folder / "second";
  set_step_hook([](int64_t done) { set_interrupted(done == 5); });
  error_of([&] { train(request); });
  set_step_hook({});
  set_interrupted(false);
  resume({.run = folder / "second", .threads = 1});
  EXPECT_EQ(last_bytes(folder / "whole"), last_bytes(folder / "second"));
}

TEST_F(FineTune, AStageWithoutRateKeepsItsParametersButNotItsStatistics) {
  TrainRequest request = request_from_model();
  request.recipe.stage_lr = {{"layer2", 0}};
  train(request);
  const State state = trained();
  EXPECT_TRUE(kept(state, "layer2.0.conv1.weight"));
  EXPECT_FALSE(kept(state, "layer2.0.bn1.running_mean"));
  EXPECT_FALSE(kept(state, "layer3.0.conv1.weight"));
}

TEST_F(FineTune, StructureComesFromTheWeightsWhereNoModelIsNamed) {
  TrainRequest request = request_from_model();
  request.model = "";
  const TrainResult result = train(request);
  EXPECT_EQ(result.model, "resnet8");
  EXPECT_EQ(load_model(RunDirectory(folder / "second").last()).info.spec.classes, 3);
}

TEST_F(FineTune, RefusesUnknownStagesAndAllOfThem) {
  TrainRequest request = small_request(folder / "run");
  request.recipe.freeze = {"layer9"};
  EXPECT_EQ(error_of([&] { train(request); }),
            "2: --freeze: no stage 'layer9': there are stem, layer1, layer2, layer3, head, and backbone for all but "
            "the head");
  request.recipe.freeze = {"backbone", "head"};
  EXPECT_EQ(error_of([&] { train(request); }), "2: --freeze: every stage is frozen; leave one to train");
}

TEST(Stages, ReadARate) {
  EXPECT_EQ(stage_rate_from("layer4=0.1"), (StageRate{"layer4", 0.1}));
  for (const char* text : {"", "layer4", "layer4=", "=1", "layer4=x"})
    EXPECT_TRUE(error_of([&] { stage_rate_from(text); }).starts_with("2: --stage-lr: expected STAGE=FACTOR")) << text;
}

}  // namespace
}  // namespace resnet
