// What augmentation draws: bounds, distributions and fallbacks. Bands are five standard errors or wider; the streams
// are fixed, so a test that passes stays so.
#include "data/augment/draws.hpp"

#include "data/augment/mix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace resnet {
namespace {

constexpr int draws = 20'000;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The largest distance between the values' distribution and F (Kolmogorov and Smirnov).
template <class Distribution>
double distance(std::vector<double> values, Distribution&& distribution) {
  std::ranges::sort(values);
  double largest = 0;
  for (std::size_t k = 0; k < values.size(); ++k)
    largest = std::max(
        largest, std::fabs(static_cast<double>(k) / static_cast<double>(values.size()) - distribution(values[k])));
  return largest;
}
const double ks_band = 2.2 / std::sqrt(draws);  // beyond it with probability 1e-4

TEST(AugmentDraws, ResizedCropHasUniformAreaAndLogRatio) {
  std::vector<double> areas, ratios;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    const Rectangle part = draw_resized_crop(1000, 1000, {0.08, 0.5}, usual_crop_ratio, rng);
    ASSERT_GE(part.top, 0);
    ASSERT_GE(part.left, 0);
    ASSERT_LE(part.top + part.height, 1000);
    ASSERT_LE(part.left + part.width, 1000);
    areas.push_back(part.height * part.width / 1e6);
    ratios.push_back(std::log(static_cast<double>(part.width) / part.height));
  }
  // Up to half of the area everything fits, so nothing is drawn again.
  EXPECT_LT(distance(areas, [](double a) { return std::clamp((a - 0.08) / 0.42, 0.0, 1.0); }), ks_band);
  const double reach = std::log(4.0 / 3);
  EXPECT_LT(distance(ratios, [&](double r) { return std::clamp((r + reach) / (2 * reach), 0.0, 1.0); }),
            ks_band + 0.003);
}

TEST(AugmentDraws, ResizedCropReachesEveryPlace) {
  std::map<std::pair<int, int>, int> corners;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    const Rectangle part = draw_resized_crop(4, 4, {0.25, 0.25}, {1, 1}, rng);
    ASSERT_EQ(part.height, 2);
    ++corners[{part.top, part.left}];
  }
  EXPECT_EQ(corners.size(), 9u);
  for (const auto& [corner, count] : corners) EXPECT_NEAR(count, draws / 9.0, 5 * std::sqrt(draws / 9.0));
}

TEST(AugmentDraws, ResizedCropFallsBackToTheCentre) {
  Rng rng(1);
  // No part of a strip fits: the middle with the nearest ratio, as torchvision gives it.
  EXPECT_EQ(draw_resized_crop(10, 1000, {1, 1}, usual_crop_ratio, rng), (Rectangle{0, 493, 10, 13}));
  EXPECT_EQ(draw_resized_crop(1000, 10, {1, 1}, usual_crop_ratio, rng), (Rectangle{493, 0, 13, 10}));
  EXPECT_EQ(draw_resized_crop(100, 110, {2, 2}, usual_crop_ratio, rng), (Rectangle{0, 0, 100, 110}));
  EXPECT_EQ(draw_resized_crop(1, 1, {0.08, 1}, usual_crop_ratio, rng).height, 1);
}

TEST(AugmentDraws, ErasingKeepsItsProbabilityAndBounds) {
  int erased = 0;
  std::vector<double> areas;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    const auto part = draw_erasing(500, 500, 0.25, rng);
    if (!part) continue;
    ++erased;
    ASSERT_LT(part->height, 500);
    ASSERT_LE(part->top + part->height, 500);
    ASSERT_LE(part->left + part->width, 500);
    areas.push_back(part->height * part->width / 25e4);
    const double ratio = static_cast<double>(part->height) / part->width;
    ASSERT_GT(ratio, 0.28);
    ASSERT_LT(ratio, 3.5);
  }
  EXPECT_NEAR(erased, draws / 4, 5 * std::sqrt(draws * 0.25 * 0.75));
  EXPECT_NEAR(mean(areas), 0.175, 0.005);
  Rng rng(3);
  EXPECT_EQ(draw_erasing(1, 1, 1, rng).value_or(Rectangle{}).height, 0) << "nothing is smaller than one pixel";
}

TEST(AugmentDraws, BetaHasItsMoments) {
  for (const double alpha : {0.1, 0.2, 0.5, 1.0, 3.0}) {
    std::vector<double> values, squares;
    for (uint64_t key = 0; key < draws; ++key) {
      Rng rng(key);
      const double value = draw_beta(alpha, rng);
      ASSERT_GE(value, 0);
      ASSERT_LE(value, 1);
      values.push_back(value);
      squares.push_back((value - 0.5) * (value - 0.5));
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(mean(values), 0.5, 5 * std::sqrt(variance / draws)) << alpha;
    EXPECT_NEAR(mean(squares), variance, 0.03 * variance) << alpha;
    if (alpha == 1.0) {
      EXPECT_LT(distance(values, [](double x) { return x; }), ks_band);
    }
  }
}

TEST(AugmentDraws, LightingHasTheCovarianceOfImagenet) {
  std::array<double, 3> sums{}, squares{};
  double red_green = 0;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    const auto shift = draw_lighting(0.1, rng);
    for (std::size_t c = 0; c < 3; ++c) {
      sums[c] += double{shift[c]};
      squares[c] += double{shift[c]} * double{shift[c]};
    }
    red_green += double{shift[0]} * double{shift[1]};
  }
  // sum_k (v_ck deviation lambda_k)^2 with the published vectors and values
  const std::array<double, 3> deviations = {0.012419, 0.012638, 0.012761};
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(sums[c] / draws, 0, 5e-4);
    EXPECT_NEAR(std::sqrt(squares[c] / draws), deviations[c], 3e-4);
  }
  EXPECT_GT(red_green / std::sqrt(squares[0] * squares[1]), 0.98) << "above all the brightness changes";
}

TEST(AugmentDraws, JitterDrawsFactorsInARandomOrder) {
  const Image grey{.channels = 1, .height = 1, .width = 2, .pixels = {100, 200}};
  std::vector<double> factors;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    factors.push_back(jitter_colours(grey, {.brightness = 0.4}, rng).pixels[0] / 100.0);
  }
  EXPECT_LT(distance(factors, [](double f) { return std::clamp((f + 0.005 - 0.6) / 0.8, 0.0, 1.0); }), ks_band + 0.01);

  // Brightness 2 then contrast, or the other way round: the order shows where the cut at 255 falls.
  const Image image{.channels = 3, .height = 1, .width = 3, .pixels = {250, 100, 10, 30, 200, 90, 120, 7, 255}};
  std::map<std::array<int, 4>, int> seen;
  for (uint64_t key = 0; key < 2000; ++key) {
    Rng rng(key), same(key);
    std::array<int, 4> order = {0, 1, 2, 3};
    same.shuffle(std::span<int>(order));
    const double b = same.uniform(0.5, 1.5), c = same.uniform(0.5, 1.5), s = same.uniform(0.5, 1.5);
    const double h = same.uniform(-0.5, 0.5);
    Image expected = image;
    for (const int change : order)
      expected = change == 0   ? adjust_brightness(expected, b)
                 : change == 1 ? adjust_contrast(expected, c)
                 : change == 2 ? adjust_saturation(expected, s)
                               : adjust_hue(expected, h);
    ASSERT_EQ(jitter_colours(image, {0.5, 0.5, 0.5, 0.5}, rng), expected);
    ++seen[order];
  }
  EXPECT_EQ(seen.size(), 24u) << "all orders";
}

TEST(AugmentMix, MixupAveragesWithTheImageBefore) {
  const Shape shape{3, 1, 1, 2};
  std::vector<float> images = {1, 2, 10, 20, 100, 200}, targets(9, 7.0f);
  std::vector<int32_t> labels = {0, 2, 2};
  mix_batch({.share = 0.25}, shape, images, labels, 3, targets);
  EXPECT_EQ(images, (std::vector<float>{75.25f, 150.5f, 3.25f, 6.5f, 32.5f, 65}));
  EXPECT_EQ(targets, (std::vector<float>{0.25f, 0, 0.75f, 0.75f, 0, 0.25f, 0, 0, 1}));
  EXPECT_EQ(labels, (std::vector<int32_t>{2, 0, 2})) << "the class with the larger part";
}

TEST(AugmentMix, CutmixPastesTheImageBefore) {
  const Shape shape{2, 2, 2, 3};
  std::vector<float> images(24), targets(4);
  std::iota(images.begin(), images.end(), 0.0f);
  std::vector<int32_t> labels = {0, 1};
  mix_batch({.share = 2.0 / 3, .window = Rectangle{0, 1, 1, 2}}, shape, images, labels, 2, targets);
  const std::vector<float> expected = {0,  13, 14, 3,  4,  5,  6,  19, 20, 9,  10, 11,
                                       12, 1,  2,  15, 16, 17, 18, 7,  8,  21, 22, 23};
  EXPECT_EQ(images, expected);
  EXPECT_EQ(labels, (std::vector<int32_t>{0, 1}));
  EXPECT_FLOAT_EQ(targets[1], 1.0f / 3);
}

TEST(AugmentMix, DrawsFollowTheirAlphas) {
  int windows = 0;
  std::vector<double> shares, kept;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    const Mix mix = draw_mix(1, 1, 64, 48, rng);
    ASSERT_GE(mix.share, 0);
    ASSERT_LE(mix.share, 1);
    windows += mix.window.has_value();
    if (!mix.window) shares.push_back(mix.share);
    if (!mix.window) continue;
    kept.push_back(mix.share);
    ASSERT_DOUBLE_EQ(mix.share, 1 - mix.window->height * mix.window->width / (64.0 * 48));
    ASSERT_GE(mix.window->top, 0);
    ASSERT_GE(mix.window->left, 0);
    ASSERT_LE(mix.window->top + mix.window->height, 64);
    ASSERT_LE(mix.window->left + mix.window->width, 48);
  }
  EXPECT_NEAR(windows, draws / 2, 5 * std::sqrt(draws / 4.0));
  EXPECT_NEAR(mean(shares), 0.5, 0.02);
  EXPECT_GT(mean(kept), 0.5) << "clipping leaves more of the image itself";
  Rng rng(1);
  EXPECT_FALSE(draw_mix(0.2, 0, 8, 8, rng).window);
  EXPECT_TRUE(draw_mix(0, 1, 8, 8, rng).window);
}

}  // namespace
}  // namespace resnet
