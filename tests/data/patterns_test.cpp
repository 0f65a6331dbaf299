// builtin:patterns against its definition.
#include "data/builtin.hpp"
#include "data/transforms.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace resnet {
namespace {

// The image as the network sees it.
std::vector<float> values(const DataSplit& split, const Dataset& part, int64_t index) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(part.image_shape().elements()));
  std::vector<float> result(pixels.size());
  part.read(index, pixels);
  normalise(pixels, part.image_shape(), normalisation_table(split.preprocessing), result);
  return result;
}

TEST(Patterns, WithoutNoiseTheyAreTheLinesOfTheNotebook) {
  const DataSplit split = generate_patterns({.noise = 0, .count = 9}, 1);
  EXPECT_EQ(split.train->classes(), (std::vector<std::string>{"horizontal", "vertical", "diagonal"}));
  for (int64_t index = 0; index < 9; ++index) {
    const int label = split.train->label(index);
    EXPECT_EQ(label, index % 3);
    const std::vector<float> seen = values(split, *split.train, index);
    for (std::size_t row = 0; row < 8; ++row)
      for (std::size_t column = 0; column < 8; ++column) {
        const bool line = label == 0 ? row == 2 : label == 1 ? column == 3 : row == column;
        ASSERT_NEAR(seen[row * 8 + column], line ? 1 : 0, 1e-5) << "label " << label << " at " << row << ", " << column;
      }
  }
}

TEST(Patterns, NoiseHasTheAskedDeviation) {
  const DataSplit split = generate_patterns({.size = 16, .noise = 0.1, .count = 300}, 2);
  double sum = 0, squares = 0, count = 0;
  for (int64_t index = 0; index < 300; index += 3) {
    const std::vector<float> seen = values(split, *split.train, index);
    for (std::size_t i = 8 * 16; i < seen.size(); ++i) {  // below the horizontal line
      sum += double{seen[i]};
      squares += double{seen[i]} * double{seen[i]};
      ++count;
    }
  }
  EXPECT_NEAR(sum / count, 0, 0.005);
  EXPECT_NEAR(std::sqrt(squares / count), 0.1, 0.005);
}

TEST(Patterns, JitterMovesTheLineWithinItsRange) {
  const DataSplit split = generate_patterns({.size = 16, .noise = 0, .count = 300, .jitter = 2}, 1);
  std::set<std::size_t> rows;
  for (int64_t index = 0; index < 300; index += 3) {
    const std::vector<float> seen = values(split, *split.train, index);
    for (std::size_t row = 0; row < 16; ++row)
      if (seen[row * 16] > 0.5f) rows.insert(row);
  }
  EXPECT_EQ(rows, (std::set<std::size_t>{2, 3, 4, 5, 6}));
}

TEST(Patterns, SeedDecidesAndPartsDiffer) {
  const DataSplit one = generate_patterns({.count = 30, .seed = 1}, 1),
                  same = generate_patterns({.count = 30, .seed = 1}, 3),
                  other = generate_patterns({.count = 30, .seed = 2}, 1);
  EXPECT_EQ(values(one, *one.train, 29), values(same, *same.train, 29));
  EXPECT_NE(values(one, *one.train, 0), values(other, *other.train, 0));
  EXPECT_NE(values(one, *one.train, 0), values(one, *one.test, 0));
}

}  // namespace
}  // namespace resnet
