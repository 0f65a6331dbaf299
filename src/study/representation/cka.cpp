#include "study/representation/cka.hpp"

#include "base/error.hpp"

#include <cmath>
#include <limits>
#include <numeric>

namespace resnet {
namespace {

double inner_product(std::span<const float> a, std::span<const float> b) {
  constexpr std::size_t lanes = 8;  // partial sums in a fixed order, which the compiler can keep in vectors
  double sums[lanes] = {};
  std::size_t k = 0;
  for (; k + lanes <= a.size(); k += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += static_cast<double>(a[k + lane]) * static_cast<double>(b[k + lane]);
  for (; k < a.size(); ++k) sums[0] += static_cast<double>(a[k]) * static_cast<double>(b[k]);
  return std::accumulate(std::begin(sums), std::end(sums), 0.0);
}

/// K 1.
std::vector<double> row_sums(std::span<const double> k, std::size_t rows) {
  std::vector<double> sums;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto numbers = k.subspan(row * rows, rows);
    sums.push_back(std::accumulate(numbers.begin(), numbers.end(), 0.0));
  }
  return sums;
}

/// The formula, with the row sums of both known: 1'KL1 = (K1)'(L1), as both are symmetric.
double hsic(std::span<const double> k, std::span<const double> l, const std::vector<double>& k_sums,
            const std::vector<double>& l_sums) {
  const auto n = static_cast<double>(k_sums.size());
  const double trace = std::inner_product(k.begin(), k.end(), l.begin(), 0.0);
  const double product = std::inner_product(k_sums.begin(), k_sums.end(), l_sums.begin(), 0.0);
  const double k_total = std::accumulate(k_sums.begin(), k_sums.end(), 0.0);
  const double l_total = std::accumulate(l_sums.begin(), l_sums.end(), 0.0);
  return (trace + k_total * l_total / ((n - 1) * (n - 2)) - 2 / (n - 2) * product) / (n * (n - 3));
}

void expect_enough(std::size_t rows) {
  if (rows < 4) fail("CKA: the unbiased estimator needs at least 4 images in a batch, got ", rows);
}

}  // namespace

std::vector<double> gram_without_diagonal(std::span<const float> x, std::size_t rows, ThreadPool& threads) {
  const std::size_t columns = x.size() / rows;
  std::vector<double> gram(rows * rows);
  threads.run(static_cast<int>(rows), [&](int task, int) {
    const auto i = static_cast<std::size_t>(task);
    for (std::size_t j = 0; j < i; ++j)
      gram[i * rows + j] = gram[j * rows + i] =
          inner_product(x.subspan(i * columns, columns), x.subspan(j * columns, columns));
  });
  return gram;
}

double unbiased_hsic(std::span<const double> k, std::span<const double> l, std::size_t rows) {
  expect_enough(rows);
  return hsic(k, l, row_sums(k, rows), row_sums(l, rows));
}

std::vector<double> hsic_of_pairs(const std::vector<std::vector<double>>& grams, std::size_t rows) {
  expect_enough(rows);
  const std::size_t layers = grams.size();
  std::vector<std::vector<double>> sums;
  for (const std::vector<double>& gram : grams) sums.push_back(row_sums(gram, rows));
  std::vector<double> found(layers * layers);
  for (std::size_t i = 0; i < layers; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      found[i * layers + j] = found[j * layers + i] = hsic(grams[i], grams[j], sums[i], sums[j]);
  return found;
}

std::vector<double> cka_of(std::span<const double> hsic, std::size_t layers) {
  std::vector<double> cka(layers * layers);
  for (std::size_t i = 0; i < layers; ++i)
    for (std::size_t j = 0; j < layers; ++j) {
      const double scale = hsic[i * layers + i] * hsic[j * layers + j];
      cka[i * layers + j] = hsic[i * layers + i] > 0 && hsic[j * layers + j] > 0
                                ? hsic[i * layers + j] / std::sqrt(scale)
                                : std::numeric_limits<double>::quiet_NaN();
    }
  return cka;
}

}  // namespace resnet
