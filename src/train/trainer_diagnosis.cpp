// When the numbers of a training stop being finite: where that began.
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "train/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {

bool Trainer::state_is_finite() const {
  return std::ranges::all_of(state_.tensors(), [](const auto& entry) {
    const Tensor& tensor = entry.second;
    return tensor.dtype() != DType::f32 ||
           std::ranges::all_of(tensor.data<float>(), [](float x) { return std::isfinite(x); });
  });
}

/// The state is poisoned: the last checkpoint is loaded again, and the loader and the counters with it.
int64_t Trainer::back_to_checkpoint(const RunDirectory& run) {
  const LoadedPosition good = load_position(run.last());
  for (const auto& [name, tensor] : good.state.tensors())
    std::ranges::copy(tensor.bytes(), state_.at(name).bytes().begin());
  state_.touch();
  position_ = good.position;
  loader_.restart(position_.epoch, position_.step_in_epoch);
  return position_.step;
}

/// The steps since the last checkpoint are replayed with every result looked at.
void Trainer::diagnose(const RunDirectory& run) {
  const int64_t failed = position_.step, batch = setup_.config.recipe.batch;
  log_warning("the loss or a weight is not finite after step {}; replaying from the last checkpoint to find where",
              failed);
  const int64_t good_step = back_to_checkpoint(run);
  const std::string kept =
      fmt::format("try a lower --lr; the last good checkpoint (step {}) is kept in {}", good_step, run.last().string());
  std::string where = "no single node could be named";
  Progress progress("replaying", (failed - good_step) * batch, "images");
  while (position_.step < failed) {
    if (interrupted())
      fail_as(ExitCode::interrupted, "interrupted while looking for the place where the numbers of step ", failed,
              " stop being finite; ", kept);
    const TrainingProgram::Result result = advance(true);
    progress.update((position_.step - good_step) * batch);
    if (!result.culprit && std::isfinite(result.loss)) continue;
    where = fmt::format("it first arose in node '{}' at step {} (epoch {}, lr {:g})", result.culprit.value_or("loss"),
                        position_.step, position_.epoch + 1, position_.rate);
    break;
  }
  const std::string message = fmt::format("training: the numbers are no longer finite: {}; {}", where, kept);
  try_report(run, message);
  throw NotFinite(ExitCode::failed, message);
}

}  // namespace resnet
