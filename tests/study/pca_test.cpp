// Principal components against answers that are known.
#include "study/pca.hpp"
#include "base/error.hpp"
#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace resnet::test {
namespace {

TEST(PrincipalComponents, FindTheLineOfPointsOnALine) {
  const std::vector<double> points = {1, 1, 2, 3, 3, 5, 5, 9};  // (t, 2 t - 1)
  const PrincipalComponents found = principal_components(points, 4, 2, 2);
  EXPECT_NEAR(found.share[0], 1, 1e-12);
  EXPECT_NEAR(found.share[1], 0, 1e-12);
  const double length = std::sqrt(5.0), mean = 11.0 / 4;
  for (std::size_t row = 0; row < 4; ++row) {
    EXPECT_NEAR(found.scores[2 * row], (points[2 * row] - mean) * length, 1e-10);
    EXPECT_NEAR(found.scores[2 * row + 1], 0, 1e-7);
  }
}

TEST(PrincipalComponents, KeepDistancesAndAreUncorrelated) {
  for (const auto& [rows, columns] : {std::pair{12, 5}, std::pair{5, 12}}) {
    Rng rng(1, "points");
    std::vector<double> points;
    for (int k = 0; k < rows * columns; ++k) points.push_back(rng.normal());
    const int kept = std::min(rows, columns);
    const PrincipalComponents found = principal_components(points, rows, columns, kept);
    const auto distance = [&](const std::vector<double>& x, int width, int a, int b) {
      double sum = 0;
      for (int k = 0; k < width; ++k)
        sum += std::pow(x[static_cast<std::size_t>(a * width + k)] - x[static_cast<std::size_t>(b * width + k)], 2);
      return std::sqrt(sum);
    };
    for (int a = 0; a < rows; ++a)
      for (int b = 0; b < a; ++b)
        EXPECT_NEAR(distance(found.scores, kept, a, b), distance(points, columns, a, b), 1e-9);
    double product = 0, sum = 0;
    for (int r = 0; r < rows; ++r)
      product +=
          found.scores[static_cast<std::size_t>(r * kept)] * found.scores[static_cast<std::size_t>(r * kept + 1)];
    EXPECT_NEAR(product, 0, 1e-9);
    for (const double share : found.share) sum += share;
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_TRUE(std::ranges::is_sorted(found.share, std::ranges::greater{}));
  }
}

TEST(PrincipalComponents, RefuseWhatTheyCannotUse) {
  const std::vector<double> equal = {1, 2, 1, 2}, bad = {1, NAN, 1, 2};
  EXPECT_EQ(principal_components(equal, 2, 2, 1).share[0], 0);
  EXPECT_THROW(principal_components(bad, 2, 2, 1), Error);
  EXPECT_THROW(principal_components(equal, 2, 2, 3), Error);
  EXPECT_THROW(principal_components({}, 0, 2, 0), Error);
}

TEST(SymmetricEigen, SolvesASmallMatrix) {
  const SymmetricEigen eigen = symmetric_eigen({2, 1, 1, 2}, 2);
  EXPECT_NEAR(eigen.values[0], 3, 1e-14);
  EXPECT_NEAR(eigen.values[1], 1, 1e-14);
  EXPECT_NEAR(std::abs(eigen.vectors[0]), std::sqrt(0.5), 1e-14);
  EXPECT_NEAR(eigen.vectors[0], eigen.vectors[2], 1e-14);
}

}  // namespace
}  // namespace resnet::test
