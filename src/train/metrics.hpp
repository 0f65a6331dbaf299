// What is counted while a network is trained or evaluated. Counts are integers and losses are added in the order of the
// steps in double, so equal runs give equal metrics.
#pragma once

#include "base/tensor.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace resnet {

/// Sums over the steps of an epoch so far; part of a checkpoint.
struct TrainingMetrics {
  double loss_sum = 0;  // of the steps' mean losses times their images
  int64_t images = 0, correct = 0;
  double loss() const { return images ? loss_sum / static_cast<double>(images) : 0; }
  double top1() const { return images ? static_cast<double>(correct) / static_cast<double>(images) : 0; }
  bool operator==(const TrainingMetrics&) const = default;
};

/// The result of an evaluation. Accuracies are fractions.
struct EvaluationResult {
  /// Which data, and what of them: "test", "validation" or "all". Empty for the evaluations of a training.
  std::string data = {}, part = {};
  int64_t count = 0;
  double loss = 0;  // mean cross-entropy without label smoothing
  int64_t correct = 0, correct5 = 0;
  std::vector<std::string> classes;
  std::vector<int64_t> confusion;  // [classes, classes], rows are the truth
  std::vector<int> predicted;      // class of each of the images asked for
  std::vector<double> confidence;  // and its probability
  std::vector<int64_t> shown;      // and where it is in the data set
  int64_t macs = 0;                // multiply-adds for one image, over all views and networks

  double top1() const { return count ? static_cast<double>(correct) / static_cast<double>(count) : 0; }
  /// None below 6 classes, where it would say nothing.
  std::optional<double> top5() const;
  /// Images of a class, and the fraction of them that is right (none without images).
  int64_t class_count(std::size_t label) const;
  std::optional<double> class_accuracy(std::size_t label) const;
};

/// "0.1894"; with an exponent where a training has gone astray.
std::string loss_text(double loss);

/// The index of the largest value, the first of equals; a NaN is never the largest.
int argmax(std::span<const float> values);

/// Number of the first `count` rows of scores [N, K] whose largest value is at the label. labels: i32 [N].
int64_t count_correct(const Tensor& scores, const Tensor& labels, int64_t count);

/// Adds one batch to a result: logits [N, K] f32 and labels i32 [N], the first `count` rows. The loss is computed in
/// double from the logits; loss_sum grows in the order of the rows. A rank counts the scores above the label's, and
/// equal ones before it.
class EvaluationSums {
 public:
  explicit EvaluationSums(std::vector<std::string> classes);
  /// The predictions of the rows in `shown` are kept, in that order.
  void add(const Tensor& logits, const Tensor& labels, int64_t count, std::span<const int64_t> shown = {});
  EvaluationResult result() const;

 private:
  EvaluationResult result_;
  double loss_sum_ = 0;
};

}  // namespace resnet
