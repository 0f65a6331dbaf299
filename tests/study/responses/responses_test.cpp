// Study responses: the numbers against a plain computation, and what it takes as models.
#include "study/responses/responses.hpp"

#include "../small_study.hpp"

#include "base/log.hpp"
#include "data/open.hpp"
#include "runtime/executable.hpp"

#include <cmath>

namespace resnet::test {
namespace {

class Responses : public SmallStudy {
 protected:
  Responses() { set_log_level(LogLevel::error); }
  ~Responses() override { set_log_level(LogLevel::info); }

  void train_some(const std::string& seeds) {
    run("degradation", "trained",
        {{"--data", data},
         {"--depths", "8"},
         {"--epochs", "1"},
         {"--batch", "8"},
         {"--seeds", seeds},
         {"--precision", "fp32"}},
        1);
  }
  std::string trained(const std::string& name) const { return (folder / "trained/runs" / name).string(); }

  const std::string data = "builtin:patterns?size=8&count=156";
};

/// A network that has learnt nothing: its batch norms divide by 1, so responses are those of the convolutions.
TrainedNetwork untrained(const ModelSpec& spec, const DataSplit& images) {
  TrainedNetwork model{.name = spec.name,
                       .source = "",
                       .info = {.spec = spec, .classes = images.test->classes(), .preprocessing = images.preprocessing},
                       .state = {}};
  initialise(model.state, forward_graph(spec, 1, Mode::inference), 3);
  return model;
}

TEST_F(Responses, AreTheDeviationsBehindTheBatchNorms) {
  const DataSplit images = open_data(data);
  const ModelSpec spec = find_model("resnet8", {.classes = 3, .input = ImageSize{1, 8, 8}});
  TrainedNetwork model = untrained(spec, images);
  // Batch norm with a scale of 2 doubles the response of its layer, and of no layer before it.
  const auto threads = std::make_shared<ThreadPool>(2);
  const std::vector<LayerResponse> before = layer_responses(model, images.test, threads);
  ASSERT_EQ(before.size(), 7u);
  EXPECT_EQ(before[0].name, "conv1");
  EXPECT_EQ(before[6].name, "layer3.0.conv2");
  for (float& gamma : model.state.at("layer2.0.bn1.weight").data<float>()) gamma *= 2;
  model.state.touch();
  const std::vector<LayerResponse> after = layer_responses(model, images.test, threads);
  for (std::size_t layer = 0; layer < before.size(); ++layer) {
    EXPECT_TRUE(before[layer].normed);
    EXPECT_GT(before[layer].deviation, 0);
    if (layer < 3) {
      EXPECT_EQ(after[layer].deviation, before[layer].deviation) << layer;
    }
  }
  EXPECT_EQ(before[3].name, "layer2.0.conv1");
  EXPECT_NEAR(after[3].deviation, 2 * before[3].deviation, 1e-5 * before[3].deviation);
}

TEST_F(Responses, CountOnlyTheImagesThatAreThere) {
  const DataSplit images = open_data(data);
  const ModelSpec spec = find_model("resnet8", {.classes = 3, .input = ImageSize{1, 8, 8}});
  const TrainedNetwork model = untrained(spec, images);
  const auto threads = std::make_shared<ThreadPool>(1);
  const auto responses = [&](const std::vector<int64_t>& indices) {
    return layer_responses(model, subset(images.test, indices), threads);
  };
  // 3 images leave most of a batch empty; 12 of the same ones give the same deviations.
  const std::vector<LayerResponse> few = responses({0, 1, 2}), many = responses({0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2});
  for (std::size_t layer = 0; layer < few.size(); ++layer)
    EXPECT_NEAR(few[layer].deviation, many[layer].deviation, 1e-6 * few[layer].deviation);
}

TEST_F(Responses, TakeAStudyAndGroupItsTrainings) {
  train_some("3");
  const Json results = run("responses", "responses", {{"--models", (folder / "trained").string()}, {"--images", "20"}});
  ASSERT_EQ(results["networks"].size(), 2);
  EXPECT_EQ(results["networks"][0]["network"], "plain8");
  EXPECT_EQ(results["networks"][1]["models"], 3);
  EXPECT_EQ(results["networks"][1]["layers"].size(), 7);
  EXPECT_EQ(results["networks"][1]["layers"][0]["deviation"]["count"], 3);
  EXPECT_TRUE(path_exists(folder / "responses/figures/responses-sorted.svg"));
  const Json one =
      run("responses", "one", {{"--models", trained("plain8-seed1")}, {"--data", data}, {"--images", "20"}}, 1);
  EXPECT_EQ(one["networks"][0]["models"], 1);
}

TEST_F(Responses, TrainNetworksWhereNoneAreGiven) {
  const Json results = run("responses", "alone",
                           {{"--train", "plain8"}, {"--data", data}, {"--epochs", "1"}, {"--precision", "fp32"}}, 1);
  EXPECT_EQ(results["networks"][0]["network"], "plain8");
  EXPECT_TRUE(path_exists(folder / "alone/runs/plain8-seed0"));
}

TEST_F(Responses, SayWhatIsMissing) {
  const auto refused = [&](const StudyChanges& changes) {
    try {
      run("responses", "refused", changes);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(refused({{"--models", "nowhere"}, {"--data", data}}).find("--models: nowhere: no such file or folder"),
            std::string::npos);
  EXPECT_NE(refused({{"--models", folder.string()}}).find("holds no run directories"), std::string::npos);
}

}  // namespace
}  // namespace resnet::test
