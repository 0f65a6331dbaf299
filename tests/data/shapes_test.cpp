// builtin:shapes is the same everywhere, balanced, and too hard for a linear classifier.
#include "base/error.hpp"
#include "base/random.hpp"
#include "data/builtin.hpp"
#include "data/outlines.hpp"
#include "data/transforms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

namespace resnet {
namespace {

constexpr std::size_t elements = 3 * 32 * 32, classes = 10;

std::vector<uint8_t> pixels_of(const Dataset& dataset, int64_t index) {
  std::vector<uint8_t> pixels(elements);
  dataset.read(index, pixels);
  return pixels;
}

TEST(Shapes, SeedAndIndexDecideNotThreadsOrCounts) {
  const DataSplit one = generate_shapes({.train = 200, .test = 50, .seed = 7}, 1);
  const DataSplit many = generate_shapes({.train = 300, .test = 60, .seed = 7}, 4);
  const DataSplit other = generate_shapes({.train = 200, .test = 50, .seed = 8}, 1);
  for (int64_t index = 0; index < 200; ++index)
    ASSERT_EQ(pixels_of(*one.train, index), pixels_of(*many.train, index)) << index;
  for (int64_t index = 0; index < 50; ++index)
    ASSERT_EQ(pixels_of(*one.test, index), pixels_of(*many.test, index)) << index;
  EXPECT_NE(pixels_of(*one.train, 0), pixels_of(*other.train, 0));
  EXPECT_NE(pixels_of(*one.train, 0), pixels_of(*one.test, 0));
}

TEST(Shapes, ClassesAreBalanced) {
  const DataSplit split = generate_shapes({.train = 400, .test = 100}, 2);
  ASSERT_EQ(split.train->classes().size(), classes);
  std::map<int, int> counts;
  for (int64_t index = 0; index < 400; ++index) ++counts[split.train->label(index)];
  for (int label = 0; label < 10; ++label) EXPECT_EQ(counts[label], 40) << label;
}

TEST(Shapes, DefaultsAreAsDocumented) {
  EXPECT_EQ(ShapesOptions{}.train, 16000);
  EXPECT_EQ(ShapesOptions{}.test, 4000);
}

TEST(Shapes, OutlinesFitTheUnitCircleAndDiffer) {
  std::vector<std::vector<bool>> forms;
  for (const Outline& outline : outlines) {
    std::vector<bool> form;
    bool upright = true, lying = true;
    for (double y = -1.5; y <= 1.5; y += 0.03)
      for (double x = -1.5; x <= 1.5; x += 0.03) {
        form.push_back(outline.contains(x, y));
        ASSERT_FALSE(form.back() && x * x + y * y > 1.02) << outline.name << " at " << x << ", " << y;
        upright = upright && form.back() == outline.contains(-x, y);
        lying = lying && form.back() == outline.contains(x, -y);
      }
    EXPECT_TRUE(upright || lying) << outline.name << ": a mirrored image would be of a class of its own";
    const auto area = static_cast<double>(std::count(form.begin(), form.end(), true)) * 0.03 * 0.03;
    EXPECT_GT(area, 0.6) << outline.name;
    for (const std::vector<bool>& earlier : forms) EXPECT_NE(form, earlier) << outline.name;
    forms.push_back(std::move(form));
  }
}

// Multinomial logistic regression by stochastic gradient descent; the weights are [elements + 1, 16], of which
// `classes` columns are used: rows of a fixed width keep the loops over them in registers.
class LinearClassifier {
 public:
  using Row = std::array<float, 16>;

  Row scores(const std::vector<float>& x) const {
    Row sums = weights_[elements];
    for (std::size_t i = 0; i < elements; ++i)
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += weights_[i][k] * x[i];
    return sums;
  }

  void learn(const std::vector<float>& x, int label, float rate) {
    Row step = scores(x);
    const float largest = *std::max_element(step.begin(), step.begin() + classes);
    float total = 0;
    for (float& value : step) value = std::exp(value - largest);
    std::fill(step.begin() + classes, step.end(), 0.0f);
    for (const float value : step) total += value;
    for (float& value : step) value *= rate / total;
    step[static_cast<std::size_t>(label)] -= rate;
    for (std::size_t i = 0; i < elements; ++i)
      for (std::size_t k = 0; k < step.size(); ++k) weights_[i][k] -= step[k] * x[i];
    for (std::size_t k = 0; k < step.size(); ++k) weights_[elements][k] -= step[k];
  }

  double accuracy(const Dataset& dataset, const NormalisationTable& table) const {
    int right = 0;
    std::vector<float> x(elements);
    for (int64_t index = 0; index < dataset.size(); ++index) {
      normalise(pixels_of(dataset, index), dataset.image_shape(), table, x);
      const Row p = scores(x);
      right += std::max_element(p.begin(), p.begin() + classes) - p.begin() == dataset.label(index);
    }
    return right / static_cast<double>(dataset.size());
  }

 private:
  std::vector<Row> weights_ = std::vector<Row>(elements + 1, Row{});
};

// On the default images, until what it still gains is memorised: training accuracy rises far above the test's, which
// is looked at all along the way.
TEST(ShapesSlow, LinearClassifierStaysBelowHalf) {
  const DataSplit split = generate_shapes({}, 2);
  const NormalisationTable table = normalisation_table(split.preprocessing);
  LinearClassifier classifier;
  std::vector<float> x(elements);
  std::vector<int64_t> order(static_cast<std::size_t>(split.train->size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  constexpr int epochs = 20;
  double train = 0, best = 0;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    Rng rng(1, "linear", {static_cast<uint64_t>(epoch)});
    rng.shuffle(std::span(order));
    const float rate = 5e-4f * static_cast<float>(epochs - epoch) / epochs;
    for (const int64_t index : order) {
      normalise(pixels_of(*split.train, index), {3, 32, 32}, table, x);
      classifier.learn(x, split.train->label(index), rate);
    }
    if (epoch % 4 != 3) continue;
    train = classifier.accuracy(*split.train, table);
    const double test = classifier.accuracy(*split.test, table);
    best = std::max(best, test);
    RecordProperty(text_of("accuracy_after_", epoch + 1), text_of(train, " in training, ", test, " in the test"));
  }
  EXPECT_GT(train, 0.35) << "the classifier learnt nothing, so this test says nothing";
  EXPECT_LT(best, 0.5);
}

}  // namespace
}  // namespace resnet
