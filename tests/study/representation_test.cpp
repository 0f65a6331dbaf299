// CKA and probes against answers that are known.
#include "base/random.hpp"
#include "models/model.hpp"
#include "study/representation/cka.hpp"
#include "study/representation/features.hpp"
#include "study/representation/findings.hpp"
#include "study/representation/probe.hpp"

#include "train/inference.hpp"

#include "study/small_models.hpp"
#include "study/small_study.hpp"

#include <cmath>
#include <numeric>

namespace resnet::test {
namespace {

ThreadPool& one_thread() {
  static ThreadPool pool(1);
  return pool;
}

std::vector<float> normal_points(std::size_t rows, std::size_t columns, uint64_t seed) {
  Rng rng(seed, "points");
  std::vector<float> x;
  for (std::size_t k = 0; k < rows * columns; ++k) x.push_back(static_cast<float>(rng.normal() + 0.5));
  return x;
}

double cka(const std::vector<float>& x, const std::vector<float>& y, std::size_t rows) {
  return cka_of(
      hsic_of_pairs({gram_without_diagonal(x, rows, one_thread()), gram_without_diagonal(y, rows, one_thread())}, rows),
      2)[1];
}

TEST(Cka, IsOneForTheSameAndForRotatedAndScaledFeatures) {
  constexpr std::size_t rows = 12;
  const std::vector<float> x = normal_points(rows, 3, 1);
  EXPECT_NEAR(cka(x, x, rows), 1, 1e-12);
  std::vector<float> turned;  // about the third axis, reflected, three times as long
  for (std::size_t row = 0; row < rows; ++row) {
    const double a = double{x[3 * row]}, b = double{x[3 * row + 1]}, c = double{x[3 * row + 2]};
    for (const double value : {3 * (0.6 * a - 0.8 * b), 3 * (0.8 * a + 0.6 * b), -3 * c})
      turned.push_back(static_cast<float>(value));
  }
  EXPECT_NEAR(cka(x, turned, rows), 1, 1e-6);
  std::vector<float> moved = x;  // HSIC is centred: a shift of all points changes nothing
  for (float& value : moved) value += 4;
  EXPECT_NEAR(cka(x, moved, rows), 1, 1e-5);
  std::vector<float> sheared = x;
  for (std::size_t row = 0; row < rows; ++row) sheared[3 * row] *= 20;
  EXPECT_LT(cka(x, sheared, rows), 0.95);
}

TEST(Cka, IsZeroOnAverageForIndependentFeatures) {
  // More features than images: the estimator with bias is near 1 there, whatever the features.
  constexpr std::size_t rows = 8, columns = 200;
  double sum = 0, of_x = 0;
  constexpr int draws = 300;
  for (int draw = 0; draw < draws; ++draw) {
    const std::vector<double> k = gram_without_diagonal(normal_points(rows, columns, 2 * draw), rows, one_thread()),
                              l = gram_without_diagonal(normal_points(rows, columns, 2 * draw + 1), rows, one_thread());
    sum += unbiased_hsic(k, l, rows);
    of_x += unbiased_hsic(k, k, rows);
  }
  EXPECT_LT(std::abs(sum / of_x), 0.02);
}

/// tr(K H L H) / (n - 1)^2, H = I - 11'/n (Gretton et al. 2005): of all images, with bias.
double full_hsic(const std::vector<float>& x, const std::vector<float>& y, std::size_t rows) {
  const auto centred = [&](const std::vector<float>& points) {
    const std::size_t columns = points.size() / rows;
    std::vector<double> gram(rows * rows), moved(points.begin(), points.end());
    for (std::size_t j = 0; j < columns; ++j) {
      double mean = 0;
      for (std::size_t i = 0; i < rows; ++i) mean += moved[i * columns + j] / static_cast<double>(rows);
      for (std::size_t i = 0; i < rows; ++i) moved[i * columns + j] -= mean;
    }
    for (std::size_t a = 0; a < rows; ++a)
      for (std::size_t b = 0; b < rows; ++b)
        for (std::size_t j = 0; j < columns; ++j) gram[a * rows + b] += moved[a * columns + j] * moved[b * columns + j];
    return gram;
  };
  const std::vector<double> k = centred(x), l = centred(y);
  return std::inner_product(k.begin(), k.end(), l.begin(), 0.0) / std::pow(static_cast<double>(rows - 1), 2);
}

TEST(Cka, UnbiasedEstimatorGoesToTheFullOne) {
  constexpr std::size_t rows = 2000;
  const std::vector<float> x = normal_points(rows, 4, 1);
  std::vector<float> y = normal_points(rows, 4, 2);
  for (std::size_t k = 0; k < y.size(); ++k) y[k] += x[k];
  const double full = full_hsic(x, y, rows);
  EXPECT_NEAR(
      unbiased_hsic(gram_without_diagonal(x, rows, one_thread()), gram_without_diagonal(y, rows, one_thread()), rows),
      full, 0.01 * full);
}

TEST(Cka, BatchesOfAnySizeHaveTheMeanOfAllImages) {
  // A U-statistic: the mean over all subsets of 5 of 7 images is that of the 7, exactly.
  constexpr std::size_t rows = 7;
  const std::vector<float> x = normal_points(rows, 3, 1), y = normal_points(rows, 2, 2);
  const auto hsic = [&](const std::vector<std::size_t>& chosen) {
    std::vector<float> a, b;
    for (const std::size_t row : chosen) {
      a.insert(a.end(), x.begin() + static_cast<std::ptrdiff_t>(3 * row),
               x.begin() + static_cast<std::ptrdiff_t>(3 * row + 3));
      b.insert(b.end(), y.begin() + static_cast<std::ptrdiff_t>(2 * row),
               y.begin() + static_cast<std::ptrdiff_t>(2 * row + 2));
    }
    return unbiased_hsic(gram_without_diagonal(a, chosen.size(), one_thread()),
                         gram_without_diagonal(b, chosen.size(), one_thread()), chosen.size());
  };
  double sum = 0;
  int subsets = 0;
  for (std::size_t p = 0; p < rows; ++p)
    for (std::size_t q = p + 1; q < rows; ++q) {
      std::vector<std::size_t> chosen;
      for (std::size_t row = 0; row < rows; ++row)
        if (row != p && row != q) chosen.push_back(row);
      sum += hsic(chosen);
      ++subsets;
    }
  EXPECT_NEAR(sum / subsets, hsic({0, 1, 2, 3, 4, 5, 6}), 1e-12);
  EXPECT_THROW(hsic({0, 1, 2}), Error);
}

TEST(Cka, DoesNotDependOnThreads) {
  const std::vector<float> x = normal_points(20, 37, 1);
  ThreadPool three(3, 3);
  EXPECT_EQ(gram_without_diagonal(x, 20, three), gram_without_diagonal(x, 20, one_thread()));
}

TEST(Cka, ALayerWithoutVarianceHasNone) {
  const std::vector<float> x = normal_points(6, 3, 1), equal(18, 2.0f);
  EXPECT_TRUE(std::isnan(cka(x, equal, 6)));
}

LabelledPoints clusters(std::size_t rows, double apart, uint64_t seed) {
  LabelledPoints points{.columns = 3, .values = {}, .labels = {}};
  Rng rng(seed, "clusters");
  for (std::size_t row = 0; row < rows; ++row) {
    const auto label = static_cast<int32_t>(row % 3);
    points.labels.push_back(label);
    points.values.push_back(static_cast<float>(100 + rng.normal() + (label == 1 ? apart : 0)));
    points.values.push_back(static_cast<float>(1e-3 * (rng.normal() + (label == 2 ? apart : 0))));
    points.values.push_back(7);  // of no use
  }
  return points;
}

TEST(Probe, TellsSeparableClassesApart) {
  const ProbeResult found = fit_probe(clusters(300, 20, 1), clusters(90, 20, 2), 3);
  EXPECT_EQ(found.train_accuracy, 1);
  EXPECT_EQ(found.test_accuracy, 1);
  EXPECT_LT(found.train_loss, 0.1);
}

TEST(Probe, IsAtChanceWithoutInformation) {
  const ProbeResult found = fit_probe(clusters(3000, 0, 1), clusters(3000, 0, 2), 3);
  EXPECT_NEAR(found.test_accuracy, 1.0 / 3, 0.04);
  EXPECT_NEAR(found.train_loss, std::log(3), 0.01);
  EXPECT_LT(found.iterations, 300) << "a convex problem that small is solved";
}

/// One feature, two points: the optimum solves w lambda = 1 / (1 + exp(2 w)), by symmetry with weights (-w, w).
TEST(Probe, FindsTheOptimum) {
  const LabelledPoints points{.columns = 1, .values = {-1, 1}, .labels = {0, 1}};
  constexpr double decay = 0.1;
  const ProbeResult found = fit_probe(points, points, 2, {.decay = decay, .iterations = 5000});
  double low = 0, high = 10;
  for (int step = 0; step < 100; ++step) {
    const double w = (low + high) / 2;
    (decay * w < 1 / (1 + std::exp(2 * w)) ? low : high) = w;
  }
  EXPECT_NEAR(found.train_loss, std::log(1 + std::exp(-2 * low)), 1e-3);
}

TEST(Probe, RefusesWhatDoesNotFit) {
  LabelledPoints other = clusters(9, 1, 1);
  other.columns = 2;
  EXPECT_THROW(fit_probe(clusters(9, 1, 1), other, 3), Error);
  EXPECT_THROW(fit_probe({}, {}, 3), Error);
}

TEST(Features, PoolOverPartsOfTheImage) {
  Tensor x({1, 2, 3, 4});
  std::iota(x.data<float>().begin(), x.data<float>().end(), 0.0f);
  EXPECT_EQ(pooled_features(x, 1), (std::vector<float>{5.5f, 17.5f}));
  // Rows 0 | 1 2, columns 0 1 | 2 3.
  EXPECT_EQ(pooled_features(x, 2), (std::vector<float>{0.5f, 2.5f, 6.5f, 8.5f, 12.5f, 14.5f, 18.5f, 20.5f}));
  EXPECT_EQ(pooled_features(x, 64).size(), 24);
}

TEST(Features, AreTheNetworksOwn) {
  TrainedNetwork network;
  network.info.spec = find_model("resnet8");
  network.state = state_of(network.info.spec, 4);
  const auto pool = std::make_shared<ThreadPool>(1);
  FeatureNetwork features(network, 3, pool);
  ASSERT_EQ(features.layers().size(), 8);
  EXPECT_EQ(std::ranges::count(features.layers(), true, &LayerFeatures::ends_block), 3);
  EXPECT_EQ(features.layers()[6].name, "layer3.0.conv2");
  Tensor images({3, 3, 32, 32});
  const std::vector<float> pixels = normal_points(3, 3 * 32 * 32, 9);
  std::ranges::copy(pixels, images.data<float>().begin());
  features.run(images);
  // The last block's end, averaged, is what the last layer reads; its output are the logits.
  const std::vector<float> means = pooled_features(features.features(6), 1);
  const Tensor penultimate = features.penultimate();
  ASSERT_EQ(penultimate.data<float>().size(), means.size());
  for (std::size_t k = 0; k < means.size(); ++k) EXPECT_NEAR(penultimate.data<float>()[k], means[k], 1e-5);
  InferenceProgram program(network.info.spec, network.state, {.threads = pool});
  const Tensor logits = program.logits(images), found = features.features(7);
  for (std::size_t k = 0; k < logits.data<float>().size(); ++k)
    EXPECT_NEAR(found.data<float>()[k], logits.data<float>()[k], 1e-4);
}

using RepresentationStudy = SmallStudy;

TEST_F(RepresentationStudy, StopsAndThreadsChangeNothing) {
  const std::string models = save_small_model(folder / "a.safetensors", "resnet8", 1) + "," +
                             save_small_model(folder / "b.safetensors", "plain8", 2);
  const StudyChanges changes = {{"--models", models},     {"--data", small_data}, {"--images", "40"},
                                {"--probe-images", "60"}, {"--batch", "10"},      {"--points", "20"}};
  const Json found = run("representation", "whole", changes, 1);
  ASSERT_EQ(found["networks"].size(), 2);
  EXPECT_EQ(found["cka_batches"], 4);
  ASSERT_EQ(found["cka"].size(), 16 * 16);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(found["cka"][17 * i].get<double>(), 1, 1e-9);
    for (std::size_t j = 0; j < i; ++j) EXPECT_EQ(found["cka"][16 * i + j], found["cka"][16 * j + i]);
  }
  for (const Json& network : found["networks"]) {
    ASSERT_EQ(network["layers"].size(), 8);
    EXPECT_EQ(network["layers"][0]["features"], 16 * 4);
    EXPECT_EQ(network["layers"][6]["features"], 64 * 4);
    for (const Json& layer : network["layers"]) EXPECT_LE(layer["probe_test_accuracy"].get<double>(), 1);
  }
  run("representation", "part", changes, 2);
  cut("part", 6);
  run("representation", "part", changes, 2);
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
  EXPECT_EQ(bytes("part/figures/cka-1-2.svg"), bytes("whole/figures/cka-1-2.svg"));
  StudyChanges wrong = changes;
  wrong["--batch"] = "41";
  EXPECT_THROW(run("representation", "wrong", wrong), Error);
  EXPECT_FALSE(fs::exists(folder / "wrong"));
}

}  // namespace
}  // namespace resnet::test
