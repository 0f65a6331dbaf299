// Evaluation as papers publish it: crops, whole images, mirror images, ensembles; each beside what it is made of.
#include "train/evaluate_views.hpp"

#include "base/parallel.hpp"
#include "data/augment/operators.hpp"
#include "graph/passes.hpp"
#include "models/cost.hpp"
#include "support/pictures.hpp"
#include "train/evaluate.hpp"
#include "train/predict.hpp"
#include "train/scoring.hpp"
#include "train/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

Tensor noise(const Shape& shape, uint64_t seed = 7) {
  Tensor tensor(shape);
  Rng rng(seed, "noise");
  for (float& x : tensor.data<float>()) x = static_cast<float>(rng.normal());
  return tensor;
}

Tensor run(const Graph& graph, State& state, const Tensor& images, const char* output = "logits") {
  const auto program = compile(graph, state);
  program->set_input("images", images);
  program->run();
  return program->output(output);
}

Parameters parameters_of(const State& state) { return {state.tensors().begin(), state.tensors().end()}; }

Tensor run_enlarged(const Graph& graph, const State& state, const Tensor& images) {
  const Shape& shape = images.shape();
  auto [enlarged, weights] = fully_convolutional(graph, parameters_of(state), shape.n(), shape.h(), shape.w());
  verify(enlarged);
  State reshaped;
  for (auto& [name, tensor] : weights) reshaped.set(name, std::move(tensor));
  return run(enlarged, reshaped, images);
}

/// Rows top .. top + height - 1 and so on of each image.
Tensor part_of(const Tensor& images, int64_t top, int64_t left, int64_t height, int64_t width) {
  const Shape& shape = images.shape();
  Tensor part({shape.n(), shape.c(), height, width});
  std::size_t at = 0;
  for (int64_t plane = 0; plane < shape.n() * shape.c(); ++plane)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        part.data<float>()[at++] =
            images.data<float>()[static_cast<std::size_t>((plane * shape.h() + top + y) * shape.w() + left + x)];
  return part;
}

/// The mean of a feature map [N, C, h, w] over each window of side x side, through the layer w, b, averaged over the
/// positions of the window.
std::vector<double> by_hand(const Tensor& map, const Tensor& weight, const Tensor& bias, int64_t side) {
  const Shape& shape = map.shape();
  const int64_t rows = shape.h() - side + 1, columns = shape.w() - side + 1, classes = weight.shape()[0];
  std::vector<double> logits;
  for (int64_t n = 0; n < shape.n(); ++n)
    for (int64_t k = 0; k < classes; ++k) {
      double sum = 0;
      for (int64_t top = 0; top < rows; ++top)
        for (int64_t left = 0; left < columns; ++left) {
          double score = static_cast<double>(bias.data<float>()[static_cast<std::size_t>(k)]);
          for (int64_t c = 0; c < shape.c(); ++c)
            for (int64_t y = top; y < top + side; ++y)
              for (int64_t x = left; x < left + side; ++x)
                score +=
                    double{weight.data<float>()[static_cast<std::size_t>(k * shape.c() + c)]} *
                    map.data<float>()[static_cast<std::size_t>(((n * shape.c() + c) * shape.h() + y) * shape.w() + x)] /
                    static_cast<double>(side * side);
          sum += score;
        }
      logits.push_back(sum / static_cast<double>(rows * columns));
    }
  return logits;
}

void expect_near(const Tensor& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.data<float>().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found.data<float>()[i], expected[i], 1e-4) << i;
}

TEST(FullyConvolutionalTest, PoolsAndClassifiesAtEachPosition) {
  const ModelSpec spec = find_model("resnet8");
  const Graph graph = forward_graph(spec, 2, Mode::inference);
  State state;
  initialise(state, graph, 3);
  const Tensor images = noise({2, 3, 48, 40});
  ModelSpec larger = spec;
  larger.input = {3, 48, 40};
  Graph features = forward_graph(larger, 2, Mode::inference);
  for (const Node& node : features.nodes())
    if (std::holds_alternative<GlobalAveragePool>(node.op)) features.add_output("map", node.inputs[0]);
  const Tensor map = run(features, state, images, "map");
  ASSERT_EQ(map.shape(), Shape({2, 64, 12, 10}));
  expect_near(run_enlarged(graph, state, images), by_hand(map, state.at("fc.weight"), state.at("fc.bias"), 8));
}

TEST(FullyConvolutionalTest, IsTheNetworkItselfAtItsOwnSize) {
  for (const char* name : {"resnet8", "preact_resnet110", "densenet_bc100_12", "seresnet50"}) {
    SCOPED_TRACE(name);
    const ModelSpec spec = find_model(name, {.classes = 7, .input = ImageSize{3, 32, 32}});
    const Graph graph = forward_graph(spec, 1, Mode::inference);
    State state;
    initialise(state, graph, 3);
    const Tensor images = noise({1, 3, 32, 32}), logits = run(graph, state, images);
    expect_near(run_enlarged(graph, state, images), {logits.data<float>().begin(), logits.data<float>().end()});
  }
}

/// Without padding each position sees what a crop of the image shows, so that the crops can be run one by one.
TEST(FullyConvolutionalTest, LayersOnFlattenedMapsBecomeConvolutions) {
  Builder net(Mode::inference);
  Value x = net.input("images", {2, 3, 8, 8});
  x = net.relu(net.conv("conv", x, {.channels = 6, .kernel = 2, .stride = 2, .bias = true}));
  x = net.flatten(net.average_pool(x, {.kernel = 2, .stride = 2}));  // [2, 6, 2, 2] before
  x = net.relu(net.linear("hidden", x, {.units = 5}));
  net.observe("logits", net.linear("classes", x, {.units = 3}));
  const Graph graph = net.take();
  State state;
  initialise(state, graph, 4);
  const Tensor images = noise({2, 3, 12, 16});
  std::vector<double> expected(6);
  for (const int64_t top : {0, 4})
    for (const int64_t left : {0, 4, 8}) {
      const Tensor logits = run(graph, state, part_of(images, top, left, 8, 8));
      for (std::size_t i = 0; i < 6; ++i) expected[i] += double{logits.data<float>()[i]} / 6;
    }
  expect_near(run_enlarged(graph, state, images), expected);
}

TEST(FullyConvolutionalTest, RefusesHeadsThatAreNoChain) {
  const Graph graph = forward_graph(find_model("residual_mlp"), 1, Mode::inference);
  State state;
  initialise(state, graph, 1);
  EXPECT_THROW(fully_convolutional(graph, parameters_of(state), 1, 64, 64), Error);
}

/// A network for photos of 24 pixels with four classes that has seen nothing.
OpenedModel small_model(uint64_t seed, std::vector<std::string> classes = {"a", "b", "c", "d"}) {
  OpenedModel model;
  model.info.spec = find_model("resnet8", {.classes = 4, .input = ImageSize{3, 24, 24}});
  model.info.classes = std::move(classes);
  model.info.preprocessing = {
      .height = 24, .width = 24, .resize = 28, .mean = {.5f, .4f, .3f}, .deviation = {.2f, .2f, .2f}};
  initialise(model.state, forward_graph(model.info.spec, 1, Mode::inference), seed);
  return model;
}

Image picture(int seed) {
  Image image{.channels = 3, .height = 40, .width = 33};
  Rng rng(static_cast<uint64_t>(seed), "pixels");
  for (int i = 0; i < 3 * 40 * 33; ++i) image.pixels.push_back(static_cast<uint8_t>(rng.uniform(0, 256)));
  return image;
}

class ScorerTest : public testing::Test {
 protected:
  std::vector<double> score(const OpenedModel& subject, const Image& image, const Views& views) const {
    return Scorer(subject.info, subject.state, views, threads).probabilities(image);
  }
  std::shared_ptr<ThreadPool> threads = std::make_shared<ThreadPool>(2);
  OpenedModel model = small_model(5);
};

TEST_F(ScorerTest, FlippingIsTheMeanOfTwoEvaluations) {
  for (const Views& views : {Views{}, Views{.scales = {24, 36}}}) {
    const Image image = picture(1);
    Views flipped = views;
    flipped.flip = true;
    const std::vector<double> one = score(model, image, views), other = score(model, flip_left_right(image), views),
                              both = score(model, image, flipped);
    for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(both[k], (one[k] + other[k]) / 2, 1e-6);
  }
}

TEST_F(ScorerTest, TenCropsAreTheMeanOfTen) {
  const Image image = picture(2);
  std::vector<double> mean(4);
  OpenedModel exact = small_model(5);
  exact.info.preprocessing.resize = 24;
  for (const Image& one : crops_of(image, model.info.preprocessing, {.crops = 10})) {
    const std::vector<double> own = score(exact, one, {});
    for (std::size_t k = 0; k < 4; ++k) mean[k] += own[k] / 10;
  }
  Scorer scorer(model.info, model.state, {.crops = 10}, threads);
  const std::vector<double> ten = scorer.probabilities(image);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(ten[k], mean[k], 1e-6);
  EXPECT_EQ(scorer.macs(), 10 * network_cost(model.info.spec).macs);
}

TEST_F(ScorerTest, ScalesAreTheMeanOfEach) {
  const Image image = picture(3);
  const std::vector<double> small = score(model, image, {.scales = {24}}),
                            large = score(model, image, {.scales = {40}}),
                            both = score(model, image, {.scales = {24, 40}});
  double apart = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(both[k], (small[k] + large[k]) / 2, 1e-6);
    apart = std::max(apart, std::abs(small[k] - large[k]));
  }
  EXPECT_GT(apart, 1e-4) << "the scales must differ for the mean to say anything";
}

class EvaluateViewsTest : public QuietRun {
 protected:
  void SetUp() override {
    QuietRun::SetUp();
    test::put_photos(folder / "photos", 6);
    TrainRequest request;
    request.model = "resnet8";
    request.data = (folder / "photos").string();
    request.preprocessing.size = 16;
    request.recipe = changed(find_recipe("photos"), {.epochs = 1, .batch = 4});
    request.threads = 2;
    request.out = folder / "run";
    train(request);
  }
  EvaluateRequest request() const {
    return {.model = (folder / "run").string(), .data = (folder / "photos").string(), .validation = 1, .threads = 2};
  }
};

TEST_F(EvaluateViewsTest, AnEnsembleOfOneNetworkIsTheNetwork) {
  const EvaluationResult alone = evaluate(request());
  EvaluateRequest twice = request();
  twice.ensemble = {twice.model, twice.model};
  const EvaluationResult thrice = evaluate(twice);
  EXPECT_EQ(thrice.count, 12);
  EXPECT_EQ(thrice.confusion, alone.confusion);
  EXPECT_NEAR(thrice.loss, alone.loss, 1e-5);
  EXPECT_EQ(thrice.macs, 3 * alone.macs);
}

TEST_F(EvaluateViewsTest, ViewsAreCountedAndPredictionSharesThem) {
  EvaluateRequest crops = request();
  crops.views = {.crops = 10};
  EXPECT_EQ(evaluate(crops).macs, 10 * evaluate(request()).macs);
  EvaluateRequest scales = request();
  scales.views = {.flip = true, .scales = {16, 24}};
  EXPECT_EQ(evaluate(scales).count, 12);
  const Predictions predictions = predict({.model = (folder / "run").string(),
                                           .images = {(folder / "photos").string()},
                                           .threads = 2,
                                           .views = {.crops = 10}});
  EXPECT_EQ(predictions.images.size(), 12u);
}

TEST_F(ScorerTest, NetworksOfAnEnsembleMayOrderTheirClassesDifferently) {
  class Pictures final : public Dataset {
   public:
    int64_t size() const override { return 5; }
    const std::vector<std::string>& classes() const override { return names; }
    Shape image_shape() const override { return {3, 0, 0}; }
    int label(int64_t index) const override { return static_cast<int>(index % 4); }
    void read(int64_t, std::span<uint8_t>) const override {}
    DecodedWindow picture(int64_t index, const PictureRequest&) const override {
      return {resnet::picture(static_cast<int>(index)), {}};
    }
    std::vector<std::string> names{"a", "b", "c", "d"};
  };
  const auto pictures = std::make_shared<Pictures>();
  BadImages bad("pictures", 1, 5);
  std::vector<OpenedModel> models;
  models.push_back(small_model(5));
  const auto alone = evaluate_views(models, pictures, {}, bad, threads);
  // The same network under other names: its rows of weights are moved along.
  OpenedModel turned = small_model(5, {"d", "a", "b", "c"});
  for (const char* name : {"fc.weight", "fc.bias"}) {
    const auto values = turned.state.at(name).data<float>();
    std::rotate(values.begin(), values.end() - std::ssize(values) / 4, values.end());
  }
  models.push_back(std::move(turned));
  const auto both = evaluate_views(models, pictures, {}, bad, threads);
  EXPECT_EQ(both->confusion, alone->confusion);
  EXPECT_NEAR(both->loss, alone->loss, 1e-6);
}

}  // namespace
}  // namespace resnet
