// Linear probes (Alain & Bengio 2016): how well a linear classifier that sees one layer alone tells the classes apart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace resnet {

/// Points [rows, columns], row-major, and the class of each.
struct LabelledPoints {
  std::size_t columns = 0;
  std::vector<float> values;
  std::vector<int32_t> labels;
  std::size_t rows() const { return labels.size(); }
};

struct ProbeOptions {
  double decay = 1e-3;       // lambda, on standardised features; the constant is not decayed
  int64_t iterations = 300;  // at most
};

struct ProbeResult {
  double train_accuracy = 0, test_accuracy = 0, train_loss = 0;
  int64_t iterations = 0;  // until no entry of the gradient is above 1e-4
};

/// Multinomial logistic regression: the mean cross-entropy of softmax(W x + b) plus lambda / 2 |W|^2, a convex problem,
/// minimised by Nesterov's accelerated gradient with the step that Boehning's bound on the curvature allows
/// (Boehning 1992). Features are standardised with the training points' means and deviations; a constant one is
/// dropped. Everything in double and in a fixed order.
ProbeResult fit_probe(const LabelledPoints& train, const LabelledPoints& test, std::size_t classes,
                      const ProbeOptions& options = {});

}  // namespace resnet
