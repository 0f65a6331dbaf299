#include "train/scoring.hpp"

#include "data/transforms.hpp"
#include "graph/passes.hpp"
#include "models/cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace resnet {
namespace {

/// Pictures of a folder have few different shapes; each compiled one keeps packed weights.
constexpr std::size_t most_shapes = 12;

/// Pictures of one size as [N, C, H, W].
Tensor normalised(const std::vector<Image>& images, const Preprocessing& preprocessing) {
  const Image& first = images.front();
  Tensor batch({std::ssize(images), first.channels, first.height, first.width});
  const NormalisationTable table = normalisation_table(preprocessing);
  const std::size_t size = batch.data<float>().size() / images.size();
  for (std::size_t n = 0; n < images.size(); ++n)
    normalise(images[n], table, batch.data<float>().subspan(n * size, size));
  return batch;
}

}  // namespace

struct Scorer::Enlarged {
  int64_t batch = 0;
  int height = 0, width = 0;
  int64_t macs = 0;
  std::unique_ptr<Executable> program;
};

Scorer::Scorer(const ModelInfo& info, const State& state, Views views, std::shared_ptr<ThreadPool> threads)
    : info_(info),
      state_(state),
      views_(std::move(views)),
      threads_(std::move(threads)),
      program_(info.spec, state, {.threads = threads_}) {
  check(views_);
  if (views_.scales.empty()) macs_of_crop_ = network_cost(info.spec).macs;
}

Scorer::~Scorer() = default;

std::vector<double> Scorer::probabilities(const Image& picture) {
  std::vector<double> sums(info_.classes.size());
  if (views_.scales.empty()) add(crops_of(picture, info_.preprocessing, views_), false, sums);
  for (const int scale : views_.scales) add(whole_at(picture, info_.preprocessing, scale, views_.flip), true, sums);
  for (double& sum : sums) sum /= views_.count();
  return sums;
}

void Scorer::add(const std::vector<Image>& images, bool whole, std::vector<double>& sums) {
  const Tensor batch = normalised(images, info_.preprocessing);
  Tensor logits;
  if (whole) {
    Enlarged& network = enlarged(std::ssize(images), images.front().height, images.front().width);
    network.program->set_input("images", batch);
    network.program->run();
    logits = network.program->output("logits");
    macs_ += network.macs;
  } else {
    logits = program_.logits(batch);
    macs_ += macs_of_crop_ * std::ssize(images);
  }
  for (std::size_t n = 0; n < images.size(); ++n) {
    const std::vector<double> row = probabilities_of(logits.data<float>().subspan(n * sums.size(), sums.size()));
    for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += row[k];
  }
}

Scorer::Enlarged& Scorer::enlarged(int64_t batch, int height, int width) {
  const auto known = std::ranges::find_if(
      enlarged_, [&](const auto& one) { return one->batch == batch && one->height == height && one->width == width; });
  if (known != enlarged_.end()) {
    enlarged_.splice(enlarged_.begin(), enlarged_, known);
    return *enlarged_.front();
  }
  auto [folded, folded_weights] = folded_network(info_.spec, state_, batch);
  auto [graph, weights] = fully_convolutional(folded, folded_weights, batch, height, width);
  if (!weights_) {  // the same for every size
    weights_ = std::make_unique<State>();
    for (auto& [name, tensor] : weights) weights_->set(name, std::move(tensor));
  }
  auto fresh = std::make_unique<Enlarged>(Enlarged{.batch = batch, .height = height, .width = width, .program = {}});
  fresh->macs = network_cost(graph).macs;
  fresh->program = compile(fuse(graph), *weights_, {.threads = threads_});
  enlarged_.push_front(std::move(fresh));
  if (enlarged_.size() > most_shapes) enlarged_.pop_back();
  return *enlarged_.front();
}

std::vector<double> probabilities_of(std::span<const float> logits) {
  const double largest = double{*std::ranges::max_element(logits)};
  std::vector<double> result;
  double sum = 0;
  for (const float logit : logits) sum += result.emplace_back(std::exp(double{logit} - largest));
  for (double& value : result) value /= sum;
  return result;
}

std::vector<float> as_logits(std::span<const double> probabilities) {
  constexpr double least = std::numeric_limits<float>::min();
  std::vector<float> logits;
  for (const double probability : probabilities)
    logits.push_back(static_cast<float>(std::log(std::max(probability, least))));
  return logits;
}

}  // namespace resnet
