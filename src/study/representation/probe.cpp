#include "study/representation/probe.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr double small_gradient = 1e-4;

/// Standardised points with a column of ones at the end, [rows, columns + 1].
struct Design {
  std::size_t rows = 0, columns = 0;  // columns with the one of ones
  std::vector<double> x;
  const double* row(std::size_t index) const { return x.data() + index * columns; }
};

/// Means and inverse deviations of the training points; 0 for a constant feature.
struct Standard {
  std::vector<double> mean, inverse;

  explicit Standard(const LabelledPoints& points) : mean(points.columns), inverse(points.columns) {
    const auto count = static_cast<double>(points.rows());
    std::vector<double> squares(points.columns);
    for (std::size_t row = 0; row < points.rows(); ++row)
      for (std::size_t j = 0; j < points.columns; ++j)
        mean[j] += double{points.values[row * points.columns + j]} / count;
    for (std::size_t row = 0; row < points.rows(); ++row)
      for (std::size_t j = 0; j < points.columns; ++j) {
        const double off = double{points.values[row * points.columns + j]} - mean[j];
        squares[j] += off * off / count;
      }
    for (std::size_t j = 0; j < points.columns; ++j)
      inverse[j] = squares[j] > 1e-12 * (mean[j] * mean[j]) && squares[j] > 0 ? 1 / std::sqrt(squares[j]) : 0;
  }

  Design applied(const LabelledPoints& points) const {
    Design design{.rows = points.rows(), .columns = points.columns + 1, .x = {}};
    design.x.reserve(design.rows * design.columns);
    for (std::size_t row = 0; row < points.rows(); ++row) {
      for (std::size_t j = 0; j < points.columns; ++j)
        design.x.push_back((double{points.values[row * points.columns + j]} - mean[j]) * inverse[j]);
      design.x.push_back(1);
    }
    return design;
  }
};

/// The largest eigenvalue of X'X / rows, from below by power iteration, with a margin.
double largest_curvature(const Design& design) {
  std::vector<double> v(design.columns, 1 / std::sqrt(static_cast<double>(design.columns)));
  double length = 1;
  for (int step = 0; step < 30; ++step) {
    std::vector<double> next(design.columns);
    for (std::size_t row = 0; row < design.rows; ++row) {
      double product = 0;
      for (std::size_t j = 0; j < design.columns; ++j) product += design.row(row)[j] * v[j];
      for (std::size_t j = 0; j < design.columns; ++j) next[j] += product * design.row(row)[j];
    }
    length = 0;
    for (const double x : next) length += x * x;
    length = std::sqrt(length);
    for (std::size_t j = 0; j < design.columns; ++j) v[j] = next[j] / length;
  }
  constexpr double margin = 1.1;
  return margin * length / static_cast<double>(design.rows);
}

class Regression {
 public:
  Regression(const Design& design, const std::vector<int32_t>& labels, std::size_t classes, double decay)
      : design_(design), labels_(labels), classes_(classes), decay_(decay), scores_(classes) {}

  /// The gradient at w [columns, classes]; keeps the mean cross-entropy and the accuracy there.
  std::vector<double> gradient(const std::vector<double>& w) {
    std::vector<double> g(w.size());
    const double part = 1 / static_cast<double>(design_.rows);
    loss_ = 0;
    for (std::size_t row = 0; row < design_.rows; ++row) {
      const double* x = design_.row(row);
      loss_ += part * look(x, w, labels_[row]);
      for (std::size_t j = 0; j < design_.columns; ++j)
        for (std::size_t k = 0; k < classes_; ++k) g[j * classes_ + k] += part * x[j] * scores_[k];
    }
    const std::size_t decayed = w.size() - classes_;  // all but the constant's
    for (std::size_t k = 0; k < decayed; ++k) g[k] += decay_ * w[k];
    return g;
  }

  double accuracy(const std::vector<double>& w) {
    std::size_t right = 0;
    for (std::size_t row = 0; row < design_.rows; ++row) {
      scores_of(design_.row(row), w);
      right += std::ranges::max_element(scores_) - scores_.begin() == labels_[row] ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(design_.rows);
  }

  double loss() const { return loss_; }

 private:
  void scores_of(const double* x, const std::vector<double>& w) {
    std::ranges::fill(scores_, 0.0);
    for (std::size_t j = 0; j < design_.columns; ++j)
      for (std::size_t k = 0; k < classes_; ++k) scores_[k] += x[j] * w[j * classes_ + k];
  }

  /// The cross-entropy of one point; scores_ becomes probabilities less the target.
  double look(const double* x, const std::vector<double>& w, int32_t label) {
    scores_of(x, w);
    const double top = *std::ranges::max_element(scores_);
    double sum = 0;
    for (double& score : scores_) sum += score = std::exp(score - top);
    for (double& score : scores_) score /= sum;
    const auto at = static_cast<std::size_t>(label);
    const double loss = -std::log(std::max(scores_[at], 1e-300));
    scores_[at] -= 1;
    return loss;
  }

  const Design& design_;
  const std::vector<int32_t>& labels_;
  std::size_t classes_;
  double decay_, loss_ = 0;
  std::vector<double> scores_;
};

}  // namespace

ProbeResult fit_probe(const LabelledPoints& train, const LabelledPoints& test, std::size_t classes,
                      const ProbeOptions& options) {
  if (train.rows() == 0 || test.rows() == 0 || train.columns != test.columns)
    fail("probe: expects training and test points of one length, got ", train.rows(), " of ", train.columns, " and ",
         test.rows(), " of ", test.columns);
  const Standard standard(train);
  const Design design = standard.applied(train), held_out = standard.applied(test);
  Regression fit(design, train.labels, classes, options.decay);
  const double step = 1 / (0.5 * largest_curvature(design) + options.decay);
  std::vector<double> w(design.columns * classes), ahead = w;
  ProbeResult result;
  for (double t = 1; result.iterations < options.iterations; ++result.iterations) {
    const std::vector<double> g = fit.gradient(ahead);
    result.train_loss = fit.loss();
    if (std::ranges::all_of(g, [](double x) { return std::abs(x) <= small_gradient; })) break;
    const double next_t = (1 + std::sqrt(1 + 4 * t * t)) / 2;
    for (std::size_t k = 0; k < w.size(); ++k) {
      const double next = ahead[k] - step * g[k];
      ahead[k] = next + (t - 1) / next_t * (next - w[k]);
      w[k] = next;
    }
    t = next_t;
  }
  result.train_accuracy = fit.accuracy(w);
  result.test_accuracy = Regression(held_out, test.labels, classes, options.decay).accuracy(w);
  return result;
}

}  // namespace resnet
