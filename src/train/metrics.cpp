#include "train/metrics.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <cassert>
#include <cmath>
#include <utility>

namespace resnet {
namespace {

std::span<const float> row_of(const Tensor& scores, int64_t row) {
  const auto width = static_cast<std::size_t>(scores.shape()[1]);
  return scores.data<float>().subspan(static_cast<std::size_t>(row) * width, width);
}

/// Log of the sum of exponentials, in double and without overflow.
double log_sum_exp(std::span<const float> logits) {
  double largest = logits[0];
  for (const float logit : logits) largest = std::fmax(largest, logit);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

/// Classes that come before the label when sorted by falling score.
int64_t rank_of(std::span<const float> scores, std::size_t label) {
  int64_t before = 0;
  for (std::size_t k = 0; k < scores.size(); ++k)
    before += scores[k] > scores[label] || (scores[k] == scores[label] && k < label);
  return std::isnan(scores[label]) ? static_cast<int64_t>(scores.size()) : before;
}

}  // namespace

std::optional<double> EvaluationResult::top5() const {
  if (classes.size() < 6) return std::nullopt;
  return count ? static_cast<double>(correct5) / static_cast<double>(count) : 0;
}

int64_t EvaluationResult::class_count(std::size_t label) const {
  int64_t sum = 0;
  for (std::size_t k = 0; k < classes.size(); ++k) sum += confusion[label * classes.size() + k];
  return sum;
}

std::optional<double> EvaluationResult::class_accuracy(std::size_t label) const {
  const int64_t images = class_count(label);
  if (images == 0) return std::nullopt;
  return static_cast<double>(confusion[label * classes.size() + label]) / static_cast<double>(images);
}

int argmax(std::span<const float> values) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < values.size(); ++k)
    if (values[k] > values[best] || (std::isnan(values[best]) && !std::isnan(values[k]))) best = k;
  return static_cast<int>(best);
}

int64_t count_correct(const Tensor& scores, const Tensor& labels, int64_t count) {
  int64_t correct = 0;
  for (int64_t row = 0; row < count; ++row)
    correct += argmax(row_of(scores, row)) == labels.data<int32_t>()[static_cast<std::size_t>(row)];
  return correct;
}

std::string loss_text(double loss) {
  if (std::isnan(loss)) return "nan";  // fmt would show its sign
  return std::abs(loss) < 1e6 ? fmt::format("{:.4f}", loss) : fmt::format("{:.3e}", loss);
}

EvaluationSums::EvaluationSums(std::vector<std::string> classes) {
  result_.confusion.resize(classes.size() * classes.size());
  result_.classes = std::move(classes);
}

void EvaluationSums::add(const Tensor& logits, const Tensor& labels, int64_t count, std::span<const int64_t> shown) {
  assert(static_cast<std::size_t>(logits.shape()[1]) == result_.classes.size());
  for (int64_t row = 0; row < count; ++row) {
    const std::span<const float> scores = row_of(logits, row);
    const auto label = static_cast<std::size_t>(labels.data<int32_t>()[static_cast<std::size_t>(row)]);
    if (label >= scores.size())
      fail_data("evaluation: label ", static_cast<int64_t>(label), " of ", scores.size(), " classes");
    const double normaliser = log_sum_exp(scores);
    loss_sum_ += normaliser - scores[label];
    const int predicted = argmax(scores);
    const int64_t rank = rank_of(scores, label);
    result_.correct += rank == 0;
    result_.correct5 += rank < 5;
    ++result_.confusion[label * result_.classes.size() + static_cast<std::size_t>(predicted)];
  }
  result_.count += count;
  for (const int64_t row : shown) {
    const std::span<const float> scores = row_of(logits, row);
    const int predicted = argmax(scores);
    const double confidence = std::exp(scores[static_cast<std::size_t>(predicted)] - log_sum_exp(scores));
    result_.predicted.push_back(predicted);
    result_.confidence.push_back(std::isfinite(confidence) ? confidence : 0);
  }
}

EvaluationResult EvaluationSums::result() const {
  EvaluationResult result = result_;
  result.loss = result.count ? std::copysign(loss_sum_ / static_cast<double>(result.count), 1.0) : 0;
  return result;
}

}  // namespace resnet
