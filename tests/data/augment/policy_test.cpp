// The tables of RandAugment and TrivialAugment against torchvision's (policies.txt, made by policies.py), and what is
// drawn from them.
#include "data/augment/policy.hpp"

#include "support/places.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

namespace resnet {
namespace {

const PolicyRow* row_named(std::span<const PolicyRow> rows, const std::string& name) {
  const std::map<std::string, PolicyOperator> names = {{"Identity", PolicyOperator::identity},
                                                       {"ShearX", PolicyOperator::shear_x},
                                                       {"ShearY", PolicyOperator::shear_y},
                                                       {"TranslateX", PolicyOperator::translate_x},
                                                       {"TranslateY", PolicyOperator::translate_y},
                                                       {"Rotate", PolicyOperator::rotate},
                                                       {"Brightness", PolicyOperator::brightness},
                                                       {"Color", PolicyOperator::colour},
                                                       {"Contrast", PolicyOperator::contrast},
                                                       {"Sharpness", PolicyOperator::sharpness},
                                                       {"Posterize", PolicyOperator::posterize},
                                                       {"Solarize", PolicyOperator::solarize},
                                                       {"AutoContrast", PolicyOperator::autocontrast},
                                                       {"Equalize", PolicyOperator::equalize}};
  for (const PolicyRow& row : rows)
    if (row.op == names.at(name)) return &row;
  return nullptr;
}

TEST(AugmentPolicy, TablesAreTorchvisions) {
  std::ifstream lines(test::tests_folder() / "data/augment/policies.txt");
  std::string line;
  int count = 0;
  for (; std::getline(lines, line); ++count) {
    std::istringstream words(line);
    std::string policy, name;
    int height = 0, width = 0, values = 0;
    bool has_sign = false;
    words >> policy >> height >> width >> name >> has_sign >> values;
    const auto rows = policy == "rand" ? rand_augment_rows() : trivial_augment_rows();
    const PolicyRow* row = row_named(rows, name);
    ASSERT_TRUE(row) << line;
    EXPECT_EQ(row->has_sign, has_sign) << line;
    for (int level = 0; level < values; ++level) {
      double expected = -1;
      words >> expected;
      const double magnitude = magnitude_of(*row, level, name == "TranslateX" ? width : height);
      EXPECT_NEAR(magnitude, expected, 1e-5 * std::fabs(expected) + 1e-7) << name << " " << level;
      if (name.starts_with("Translate")) {
        EXPECT_EQ(static_cast<int>(magnitude), static_cast<int>(expected)) << level;
      }
    }
  }
  EXPECT_EQ(count, 4 * 14);
  EXPECT_EQ(rand_augment_rows().size(), 14u);
  EXPECT_EQ(trivial_augment_rows().size(), 14u);
}

Image photo() {
  Image image{.channels = 3, .height = 24, .width = 30, .pixels = {}};
  for (int at = 0; at < 24 * 30 * 3; ++at) image.pixels.push_back(static_cast<uint8_t>(20 + at * at % 199));
  return image;
}

std::string bytes_of(const Image& image) { return {image.pixels.begin(), image.pixels.end()}; }

TEST(AugmentPolicy, RandAugmentDrawsRowsAndSignsEvenly) {
  const Image image = photo();
  // The 23 things that one operator can do: 9 rows with two signs and 5 without. Each row has 1/14 of the draws.
  std::map<std::string, int> seen;
  constexpr int draws = 14'000;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    ++seen[bytes_of(rand_augment(image, 1, 15, Interpolation::nearest, rng))];
  }
  EXPECT_EQ(seen.size(), 23u);
  const int untouched = seen[bytes_of(image)];
  EXPECT_NEAR(untouched, draws / 14.0, 5 * std::sqrt(draws / 14.0));
  for (const auto& [pixels, count] : seen)
    EXPECT_TRUE(std::fabs(count - draws / 14.0) < 160 || std::fabs(count - draws / 28.0) < 110) << count;
}

TEST(AugmentPolicy, OperatorsFollowOneAnother) {
  const Image image = photo();
  for (uint64_t key = 0; key < 50; ++key) {
    Rng rng(key), same(key);
    const Image once = rand_augment(image, 1, 9, Interpolation::bilinear, same);
    const Image twice = rand_augment(once, 1, 9, Interpolation::bilinear, same);
    EXPECT_EQ(rand_augment(image, 2, 9, Interpolation::bilinear, rng), twice);
  }
}

TEST(AugmentPolicy, TrivialAugmentUsesAllLevelsOfAllRows) {
  // A bright picture on which all levels of brightness and colour differ.
  const Image image = photo();
  std::map<std::string, int> seen;
  constexpr int draws = 20'000;
  for (uint64_t key = 0; key < draws; ++key) {
    Rng rng(key);
    const Image out = trivial_augment(image, Interpolation::bilinear, rng);
    ASSERT_EQ(out.height, 24);
    ASSERT_EQ(out.width, 30);
    ++seen[bytes_of(out)];
  }
  // 9 rows of 61 arguments, posterize 7, solarize 31, and 2 fixed; some give the same picture (translations cut to
  // whole pixels, levels 0).
  EXPECT_GT(seen.size(), 450u);
  EXPECT_LT(seen.size(), 9u * 61 + 7 + 31 + 2);
}

}  // namespace
}  // namespace resnet
