// Samples of the network's health in between: outside the training's own step, which they leave as it is.
#include "train/trainer.hpp"

#include <algorithm>

namespace resnet {

/// Ahead of a checkpoint of the same step, which is then never newer than the samples.
void Trainer::sample_health(const RunDirectory& run) {
  const int64_t every = setup_.config.diagnose_every;
  const bool known = !samples_.empty() && samples_.back().step >= position_.step;
  if (every == 0 || position_.step % every != 0 || known) return;
  const auto start = std::chrono::steady_clock::now();
  if (!sampler_)
    sampler_.emplace(setup_.info, setup_.config.recipe, state_, setup_.config.seed, setup_.data.train,
                     CompileOptions{.backend = setup_.backend, .threads = pool_, .reuse_memory = setup_.reuse_memory});
  samples_.push_back(sampler_->sample(position_.step, rate_of(std::min(position_.step, steps_ - 1))));
  append_line(run.diagnosis(), to_line(samples_.back()));
  time_.health += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace resnet
