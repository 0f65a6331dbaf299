// Data sets with few images of some classes: weights in the loss, and balanced epochs.
#include "train/class_weights.hpp"
#include "data/loader.hpp"
#include "support.hpp"
#include "train/pace.hpp"
#include "train/training_program.hpp"

#include <cmath>
#include <map>

namespace resnet {
namespace {

/// 6 images of "a", 2 of "b", 1 of "c", 1x2x2.
std::shared_ptr<const Dataset> uneven() {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 9 * 4; ++i) pixels.push_back(static_cast<uint8_t>(i * 7));
  return memory_dataset({"a", "b", "c"}, {1, 2, 2}, pixels, {0, 0, 0, 1, 0, 2, 0, 1, 0});
}

const Preprocessing plain{.channels = 1, .height = 2, .width = 2, .mean = {0}, .deviation = {1}};

TEST(ClassWeights, AverageToOneOverTheImages) {
  EXPECT_TRUE(class_weights("none", *uneven()).empty());
  EXPECT_EQ(class_weights("balanced", *uneven()), (std::vector<float>{0.5f, 1.5f, 3.f}));
  const std::vector<float> named = class_weights("b=3,c=6", *uneven());
  EXPECT_NEAR(named[0] * 6 + named[1] * 2 + named[2], 9, 1e-5);
  EXPECT_NEAR(named[2] / named[0], 6, 1e-5);
}

TEST(ClassWeights, WrongOnesAreNamed) {
  EXPECT_EQ(error_of([] { class_weights("ax=2", *uneven()); }),
            "2: --class-weights: there is no class 'ax'; did you mean a?");
  EXPECT_NE(error_of([] { class_weights("a=-1", *uneven()); }).find("positive number for 'a'"), std::string::npos);
  EXPECT_NE(error_of([] { class_weights("even", *uneven()); }).find("none, balanced or NAME=WEIGHT"),
            std::string::npos);
}

/// The loss of one image, as the loss op computes it from a target with smoothing.
double loss(std::span<const float> target, double smoothing, const std::vector<double>& log_probability) {
  double sum = 0;
  for (std::size_t k = 0; k < target.size(); ++k)
    sum -= ((1 - smoothing) * double{target[k]} + smoothing / static_cast<double>(target.size())) * log_probability[k];
  return sum;
}

TEST(ClassWeights, TargetsWeighTheWholeLossWithSmoothingAndMixup) {
  const std::vector<double> log_probability = {std::log(0.2), std::log(0.5), std::log(0.3)};
  for (const double mixup : {0.0, 0.4})
    for (const double smoothing : {0.0, 0.1}) {
      LoaderOptions options{.batch = 9, .augmentation = {.pad = 0, .mixup = mixup}, .label_smoothing = smoothing};
      options.class_weights = {1, 1, 1};
      Loader even(uneven(), plain, options);
      options.class_weights = {0.5f, 1.5f, 3};
      Loader weighted(uneven(), plain, options);
      const Batch &one = even.next(), &other = weighted.next();
      for (std::size_t n = 0; n < 9; ++n) {
        const auto before = one.targets.data<float>().subspan(3 * n, 3),
                   after = other.targets.data<float>().subspan(3 * n, 3);
        double weight = 0;
        for (std::size_t k = 0; k < 3; ++k) weight += double{before[k]} * double{options.class_weights[k]};
        EXPECT_NEAR(loss(after, smoothing, log_probability), weight * loss(before, smoothing, log_probability), 1e-5);
      }
    }
}

TEST(BalancedSampling, ShowsEachClassAsOften) {
  std::map<int, int> counts;
  std::map<int64_t, int> shown;
  const std::vector<int64_t> order = balanced_order(*uneven(), 1, 0);
  ASSERT_EQ(order.size(), 9u);
  for (const int64_t index : order) {
    ++counts[uneven()->label(index)];
    ++shown[index];
  }
  EXPECT_EQ(counts, (std::map<int, int>{{0, 3}, {1, 3}, {2, 3}}));
  EXPECT_GE(shown[3], 1);
  EXPECT_GE(shown[7], 1);
  EXPECT_NE(order, balanced_order(*uneven(), 1, 1));
  EXPECT_EQ(order, balanced_order(*uneven(), 1, 0));
}

class Balance : public QuietRun {};

TEST_F(Balance, IsKeptByARunThatGoesOn) {
  TrainRequest request = small_request(folder / "whole");
  request.recipe = changed(request.recipe, {.sampling = "balanced", .class_weights = "balanced"});
  train(request);
  request.out = folder / "run";
  set_step_hook([](int64_t step) { set_interrupted(step == 5); });
  EXPECT_THROW(train(request), Error);
  set_interrupted(false);
  set_step_hook({});
  resume({.run = request.out});
  EXPECT_EQ(last_bytes(request.out), last_bytes(folder / "whole"));
  TrainRequest other = small_request(folder / "other");
  train(other);
  EXPECT_NE(last_bytes(other.out), last_bytes(folder / "whole"));
}

TEST(Pace, SaysWhereTheTimeGoesAndWhatWouldHelp) {
  EXPECT_EQ(describe({.compute = 9.8, .waiting = 0.2, .loader = {2, 1}}, 10, 1),
            "time: computing 98 %, waiting for images 2 %; 1 loader thread: decoding 20 %, augmenting 10 %, idle 70 %; "
            "the images keep up");
  const std::string slow = describe({.compute = 4, .waiting = 6, .loader = {15, 4}}, 10, 2);
  EXPECT_NE(slow.find("waiting for images 60 %; 2 loader threads: decoding 75 %, augmenting 20 %, idle 5 %"),
            std::string::npos)
      << slow;
  EXPECT_NE(slow.find("--cache or --scaled-decoding would help"), std::string::npos);
  EXPECT_NE(describe({.compute = 4, .waiting = 6, .loader = {2, 8}}, 10, 1).find("simpler augmentation"),
            std::string::npos);
}

}  // namespace
}  // namespace resnet
