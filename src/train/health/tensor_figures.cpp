#include "train/health/tensor_figures.hpp"

#include "train/health/health.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace resnet {
namespace {

struct Planes {
  std::size_t images, channels, area;
};

Planes planes_of(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  const auto images = static_cast<std::size_t>(shape.n()), channels = static_cast<std::size_t>(shape.c());
  return {images, channels, static_cast<std::size_t>(tensor.elements()) / std::max<std::size_t>(images * channels, 1)};
}

}  // namespace

void ChannelMoments::add(const ChannelMoments& other) {
  if (sum.empty()) {
    *this = other;
    return;
  }
  for (std::size_t c = 0; c < sum.size(); ++c) {
    sum[c] += other.sum[c];
    squares[c] += other.squares[c];
  }
  count += other.count;
}

double ChannelMoments::mean() const {
  return std::accumulate(sum.begin(), sum.end(), 0.0) / (count * static_cast<double>(sum.size()));
}

double ChannelMoments::variance() const {
  const double all = count * static_cast<double>(sum.size());
  return std::max(0.0, std::accumulate(squares.begin(), squares.end(), 0.0) / all - mean() * mean());
}

ChannelMoments channel_moments(const Tensor& tensor) {
  const Planes planes = planes_of(tensor);
  ChannelMoments moments{.sum = std::vector<double>(planes.channels),
                         .squares = std::vector<double>(planes.channels),
                         .count = static_cast<double>(planes.images * planes.area)};
  const std::span<const float> values = tensor.data<float>();
  for (std::size_t n = 0; n < planes.images; ++n)
    for (std::size_t c = 0; c < planes.channels; ++c)
      for (const float x : values.subspan((n * planes.channels + c) * planes.area, planes.area)) {
        moments.sum[c] += x;
        moments.squares[c] += static_cast<double>(x) * x;
      }
  return moments;
}

void Passed::add(const Tensor& tensor) {
  const Planes planes = planes_of(tensor);
  alive.resize(planes.channels);
  const std::span<const float> values = tensor.data<float>();
  for (std::size_t n = 0; n < planes.images; ++n)
    for (std::size_t c = 0; c < planes.channels; ++c) {
      std::size_t positive = 0;
      for (const float x : values.subspan((n * planes.channels + c) * planes.area, planes.area)) positive += x > 0;
      if (positive > 0) alive[c] = 1;
      zeros += static_cast<double>(planes.area - positive);
    }
  count += static_cast<double>(values.size());
}

double Passed::dead() const {
  return static_cast<double>(std::ranges::count(alive, 0)) / static_cast<double>(alive.size());
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  const double norms = std::sqrt(dot(a, a)) * std::sqrt(dot(b, b));
  return norms > 0 ? dot(a, b) / norms : 0;
}

bool equal_rows(const Tensor& weight) {
  const auto rows = static_cast<std::size_t>(weight.shape()[0]);
  const std::span<const float> w = weight.data<float>();
  const std::size_t width = w.size() / std::max<std::size_t>(rows, 1);
  for (std::size_t row = 1; row < rows; ++row)
    if (!std::ranges::equal(w.first(width), w.subspan(row * width, width))) return false;
  return rows > 1;
}

namespace {

/// The spread of sums of `count` independent numbers of the mean and variance given: a chi-square, in standard
/// deviations of its cube root, which is nearly normal (Wilson & Hilferty 1931).
double excess_spread(std::span<const double> sums, double count, double mean, double variance) {
  if (sums.size() < 2 || !(variance > 0)) return 0;
  double chi = 0;
  for (const double sum : sums) chi += (sum - count * mean) * (sum - count * mean) / (count * variance);
  const double freedom = static_cast<double>(sums.size() - 1), spread = 2 / (9 * freedom);
  return (std::cbrt(chi / freedom) - (1 - spread)) / std::sqrt(spread);
}

}  // namespace

double draw_departure(const Tensor& weight) {
  const Shape& shape = weight.shape();
  const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
  const std::span<const float> w = weight.data<float>();
  const std::size_t area = w.size() / std::max<std::size_t>(rows * columns, 1);
  std::vector<double> of_row(rows), of_column(columns), of_place(area), row_sum(rows);
  double second = 0, fourth = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double square = static_cast<double>(w[i]) * w[i];
    second += square;
    fourth += square * square;
    of_row[i / (columns * area)] += square;
    of_column[i / area % columns] += square;
    of_place[i % area] += square;
    row_sum[i / (columns * area)] += w[i];
  }
  const double count = static_cast<double>(w.size());
  second /= count;
  const double variance = fourth / count - second * second;
  const auto energy = [&](const std::vector<double>& sums) {
    return excess_spread(sums, count / static_cast<double>(sums.size()), second, variance);
  };
  return std::max({energy(of_row), energy(of_column), energy(of_place),
                   excess_spread(row_sum, static_cast<double>(columns * area), 0, second)});
}

double neighbour_cosine(const Tensor& tensor) {
  const auto rows = static_cast<std::size_t>(tensor.shape().n());
  const std::span<const float> values = tensor.data<float>();
  const std::size_t width = values.size() / std::max<std::size_t>(rows, 1);
  double sum = 0, pairs = 0;
  for (std::size_t n = 0; n + 1 < rows; ++n) {
    const auto a = values.subspan(n * width, width), b = values.subspan((n + 1) * width, width);
    if (!(dot(a, a) > 0) || !(dot(b, b) > 0)) continue;
    sum += cosine(a, b);
    ++pairs;
  }
  return pairs > 0 ? sum / pairs : not_measured;
}

}  // namespace resnet
