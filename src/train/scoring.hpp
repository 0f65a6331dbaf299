// What a network says of a picture that is shown in several views: the mean of its probabilities.
#pragma once

#include "data/views.hpp"
#include "formats/model_file.hpp"
#include "train/inference.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

namespace resnet {

/// Crops and mirror images are averaged as probabilities (Krizhevsky et al. 2012). A whole picture is evaluated fully
/// convolutionally: logits are averaged over positions, then probabilities over scales and mirror images (Simonyan &
/// Zisserman 2015, sections 3.2 and 4.2; He et al. 2015, section 3.4).
class Scorer {
 public:
  /// `info` and `state` must outlive this. Error (bad model): the network cannot be made fully convolutional.
  Scorer(const ModelInfo& info, const State& state, Views views, std::shared_ptr<ThreadPool> threads);
  ~Scorer();
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;

  /// One for each class.
  std::vector<double> probabilities(const Image& picture);
  /// Multiply-adds of all pictures so far.
  int64_t macs() const { return macs_; }

 private:
  struct Enlarged;
  Enlarged& enlarged(int64_t batch, int height, int width);
  void add(const std::vector<Image>& images, bool whole, std::vector<double>& sums);

  const ModelInfo& info_;
  const State& state_;
  Views views_;
  std::shared_ptr<ThreadPool> threads_;
  InferenceProgram program_;
  std::unique_ptr<State> weights_;                 // of the fully convolutional forms
  std::list<std::unique_ptr<Enlarged>> enlarged_;  // by size, the last used first
  int64_t macs_ = 0, macs_of_crop_ = 0;
};

/// Softmax in double, as the loss has it.
std::vector<double> probabilities_of(std::span<const float> logits);

/// Logits whose softmax are these probabilities.
std::vector<float> as_logits(std::span<const double> probabilities);

}  // namespace resnet
