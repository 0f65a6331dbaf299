#include "study/pca.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace resnet {
namespace {

/// One Jacobi rotation in the plane (p, q) that makes a[p,q] zero. Row-major [n, n], symmetric throughout.
void rotate(std::vector<double>& a, std::vector<double>& vectors, std::size_t n, std::size_t p, std::size_t q) {
  const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
  const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::hypot(theta, 1.0));
  const double c = 1 / std::hypot(t, 1.0), s = t * c;
  const auto mix = [&](double& x, double& y) {
    const double old = x;
    x = c * old - s * y;
    y = s * old + c * y;
  };
  for (std::size_t k = 0; k < n; ++k) mix(a[k * n + p], a[k * n + q]);
  for (std::size_t k = 0; k < n; ++k) mix(a[p * n + k], a[q * n + k]);
  for (std::size_t k = 0; k < n; ++k) mix(vectors[k * n + p], vectors[k * n + q]);
}

double off_diagonal(const std::vector<double>& a, std::size_t n) {
  double sum = 0;
  for (std::size_t p = 0; p < n; ++p)
    for (std::size_t q = p + 1; q < n; ++q) sum += a[p * n + q] * a[p * n + q];
  return std::sqrt(2 * sum);
}

std::vector<double> centred(std::span<const double> points, std::size_t rows, std::size_t columns) {
  std::vector<double> x(points.begin(), points.end());
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0;
    for (std::size_t r = 0; r < rows; ++r) sum += x[r * columns + c];
    for (std::size_t r = 0; r < rows; ++r) x[r * columns + c] -= sum / static_cast<double>(rows);
  }
  return x;
}

/// x x^T [rows, rows] or x^T x [columns, columns].
std::vector<double> inner_products(const std::vector<double>& x, std::size_t rows, std::size_t columns, bool of_rows) {
  const std::size_t n = of_rows ? rows : columns, length = of_rows ? columns : rows;
  const std::size_t step = of_rows ? 1 : columns, stride = of_rows ? columns : 1;
  std::vector<double> products(n * n);
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = a; b < n; ++b) {
      double sum = 0;
      for (std::size_t k = 0; k < length; ++k) sum += x[a * stride + k * step] * x[b * stride + k * step];
      products[a * n + b] = products[b * n + a] = sum;
    }
  return products;
}

void make_largest_positive(std::vector<double>& scores, std::size_t rows, std::size_t kept, std::size_t component) {
  double largest = 0;
  for (std::size_t r = 0; r < rows; ++r)
    if (std::abs(scores[r * kept + component]) > std::abs(largest)) largest = scores[r * kept + component];
  if (largest >= 0) return;
  for (std::size_t r = 0; r < rows; ++r) scores[r * kept + component] *= -1;
}

}  // namespace

SymmetricEigen symmetric_eigen(std::vector<double> matrix, int64_t size) {
  const auto n = static_cast<std::size_t>(size);
  std::vector<double> vectors(n * n);
  double norm = 0;
  for (std::size_t k = 0; k < n; ++k) vectors[k * n + k] = 1;
  for (const double x : matrix) norm += x * x;
  norm = std::sqrt(norm);
  constexpr int most_sweeps = 60;  // about ten are needed; convergence is quadratic
  for (int sweep = 0; sweep < most_sweeps && off_diagonal(matrix, n) > 1e-13 * norm; ++sweep)
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q)
        if (std::abs(matrix[p * n + q]) > 1e-18 * norm) rotate(matrix, vectors, n, p, q);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t k) { return matrix[k * n + k]; });
  SymmetricEigen eigen{std::vector<double>(n), std::vector<double>(n * n)};
  for (std::size_t k = 0; k < n; ++k) {
    eigen.values[k] = matrix[order[k] * n + order[k]];
    for (std::size_t row = 0; row < n; ++row) eigen.vectors[row * n + k] = vectors[row * n + order[k]];
  }
  return eigen;
}

PrincipalComponents principal_components(std::span<const double> points, int64_t row_count, int64_t column_count,
                                         int64_t kept_count) {
  const auto rows = static_cast<std::size_t>(row_count), columns = static_cast<std::size_t>(column_count);
  const auto kept = static_cast<std::size_t>(kept_count);
  if (rows == 0 || points.size() != rows * columns || kept > std::min(rows, columns))
    fail("principal components: ", points.size(), " numbers are not ", rows, " points of ", columns, " with ", kept,
         " components");
  if (!std::ranges::all_of(points, [](double x) { return std::isfinite(x); }))
    fail("principal components: a point is not finite");
  const std::vector<double> x = centred(points, rows, columns);
  const bool of_rows = rows < columns;
  const std::size_t n = of_rows ? rows : columns;
  const SymmetricEigen eigen = symmetric_eigen(inner_products(x, rows, columns, of_rows), static_cast<int64_t>(n));
  const double total = std::accumulate(eigen.values.begin(), eigen.values.end(), 0.0);
  PrincipalComponents found{std::vector<double>(rows * kept), {}};
  for (std::size_t k = 0; k < kept; ++k) {
    const double value = std::max(eigen.values[k], 0.0);
    found.share.push_back(total > 0 ? value / total : 0);
    for (std::size_t r = 0; r < rows; ++r) {
      double score = of_rows ? eigen.vectors[r * n + k] * std::sqrt(value) : 0;
      for (std::size_t c = 0; !of_rows && c < columns; ++c) score += x[r * columns + c] * eigen.vectors[c * n + k];
      found.scores[r * kept + k] = score;
    }
    make_largest_positive(found.scores, rows, kept, k);
  }
  return found;
}

}  // namespace resnet
