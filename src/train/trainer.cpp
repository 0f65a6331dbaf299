#include "train/trainer.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "runtime/cpu/kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;

std::function<void(int64_t)> step_hook;

/// Adds the time of its life to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum), start_(Clock::now()) {}
  ~Stopwatch() { sum_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& sum_;
  Clock::time_point start_;
};

LoaderOptions loader_options(const TrainerSetup& setup) {
  const Recipe& recipe = setup.config.recipe;
  const Augmentation& allowed = setup.data.augmentation;
  return {.batch = recipe.batch,
          .augmentation = {.pad = std::min(recipe.pad, allowed.pad), .flip = recipe.flip && allowed.flip},
          .drop_last = true,
          .seed = setup.config.seed,
          .threads = setup.loader_threads > 0 ? setup.loader_threads : std::max(1, setup.threads / 4)};
}

CompileOptions compile_options(const TrainerSetup& setup, const std::shared_ptr<ThreadPool>& pool) {
  return {.backend = setup.backend, .threads = pool, .reuse_memory = setup.reuse_memory};
}

}  // namespace

void set_step_hook(std::function<void(int64_t)> hook) { step_hook = std::move(hook); }

Trainer::Trainer(TrainerSetup setup, State state, const TrainingPosition& position)
    : setup_(std::move(setup)),
      state_(std::move(state)),
      position_(position),
      pool_(std::make_shared<ThreadPool>(setup_.threads)),
      loader_(setup_.data.train, setup_.info.preprocessing, loader_options(setup_)),
      steps_(total_steps(setup_.config.recipe, loader_.steps_per_epoch())),
      program_(setup_.info.spec, setup_.config.recipe, setup_.config.precision, state_, setup_.config.seed,
               compile_options(setup_, pool_)),
      inference_(setup_.info.spec, state_, compile_options(setup_, pool_)),
      start_(Clock::now()) {
  setup_.config.instruction_set = setup_.backend == Backend::reference ? reference_kernels : cpu::best_kernels().isa;
  setup_.config.plan = program_.fingerprint();
  if (position_.step_in_epoch < loader_.steps_per_epoch())
    loader_.restart(position_.epoch, position_.step_in_epoch);
  else
    loader_.restart(position_.epoch + 1);
}

int64_t Trainer::steps_of_epoch() const {
  return std::min(loader_.steps_per_epoch(), steps_ - (position_.step - position_.step_in_epoch));
}

double Trainer::rate_of_step() const {
  const Recipe& recipe = setup_.config.recipe;
  return position_.gentle ? recipe.gentle.lr : learning_rate(recipe.schedule, position_.step, steps_);
}

double Trainer::seconds() const {
  return earlier_seconds_ + std::chrono::duration<double>(Clock::now() - start_).count();
}

double Trainer::images_per_second() const {
  const double busy = time_.compute + time_.loading;
  return busy > 0 ? static_cast<double>(images_trained_) / busy : 0;
}

/// One step with the counts that belong to it: training and the search for a NaN go the same way.
TrainingProgram::Result Trainer::advance(bool checked) {
  const double waited = loader_.waited_seconds();
  const Batch& batch = loader_.next();
  time_.loading += loader_.waited_seconds() - waited;
  TrainingProgram::Result result;
  {
    const Stopwatch watch(time_.compute);
    result = program_.run(batch, rate_of_step(), position_.step, checked);
  }
  count(result, batch.count);
  return result;
}

void Trainer::count(const TrainingProgram::Result& result, int64_t images) {
  position_.running.loss_sum += result.loss * static_cast<double>(images);
  position_.running.images += images;
  position_.running.correct += result.correct;
  ++position_.step;
  ++position_.step_in_epoch;
  if (!position_.gentle) return;
  position_.window_images += images;
  position_.window_correct += result.correct;
  if (position_.step % gentle_window != 0) return;
  const double error = 1 - static_cast<double>(position_.window_correct) / static_cast<double>(position_.window_images);
  if (error < setup_.config.recipe.gentle.until_error) {
    position_.gentle = false;
    log_info("step {}: training error {:.1f}%, the gentle start is over", position_.step, 100 * error);
  }
  position_.window_images = position_.window_correct = 0;
}

bool Trainer::state_is_finite() const {
  return std::ranges::all_of(state_.tensors(), [](const auto& entry) {
    const Tensor& tensor = entry.second;
    return tensor.dtype() != DType::f32 ||
           std::ranges::all_of(tensor.data<float>(), [](float x) { return std::isfinite(x); });
  });
}

void Trainer::save(const RunDirectory& run) {
  const Stopwatch watch(time_.saving);
  save_position(run.last(), setup_.info, state_, position_, setup_.config.recipe);
}

void Trainer::train_step(const RunDirectory& run) {
  const int64_t before = position_.running.images;
  const TrainingProgram::Result result = advance(false);
  if (!std::isfinite(result.loss)) diagnose(run);
  images_trained_ += position_.running.images - before;
  if (step_hook) step_hook(position_.step);
}

void Trainer::finish_epoch(const RunDirectory& run) {
  if (!state_is_finite()) diagnose(run);
  std::optional<EvaluationResult> evaluation;
  {
    const Stopwatch watch(time_.evaluation);
    evaluation = evaluate(inference_, setup_.data.test, setup_.info);
  }
  if (!evaluation) return;  // interrupted: the checkpoint says that this epoch is still to be evaluated
  evaluation_ = std::move(evaluation);
  const double top1 = evaluation_->top1();
  --position_.step;  // of the last step
  const double lr = rate_of_step();
  ++position_.step;
  const MetricsRow row{.epoch = position_.epoch + 1,
                       .step = position_.step,
                       .time = seconds(),
                       .lr = lr,
                       .train_loss = position_.running.loss(),
                       .val_loss = evaluation_->loss,
                       .top1 = top1,
                       .top5 = evaluation_->top5(),
                       .train_top1 = position_.running.top1()};
  run.append(row);
  rows_.push_back(row);
  log_info("epoch {}: loss {:.4f}, top-1 {:.2f}%; {} loss {:.4f}, top-1 {:.2f}%; {:.0f} images/s", row.epoch,
           row.train_loss, 100 * row.train_top1, setup_.data.test_name, *row.val_loss, 100 * top1, images_per_second());
  if (!position_.best_top1 || top1 > *position_.best_top1) {
    position_.best_top1 = top1;
    position_.best_epoch = row.epoch;
    const Stopwatch watch(time_.saving);
    save_model(run.best(), setup_.info, state_, position_.step);
  }
  ++position_.epoch;
  position_.step_in_epoch = 0;
  position_.running = {};
  save(run);
}

void Trainer::stop(const RunDirectory& run) {
  if (!state_is_finite()) diagnose(run);
  save(run);
  try {
    report(run);
  } catch (const Error& error) {
    log_warning("the report could not be written: {}", error.what());
  }
  fail_as(ExitCode::interrupted, "interrupted after step ", position_.step, " of ", steps_,
          "; saved, continue with: resnet resume ", run.path().string());
}

TrainResult Trainer::train(const RunDirectory& run, std::vector<MetricsRow> rows) {
  rows_ = std::move(rows);
  earlier_seconds_ = rows_.empty() ? 0 : rows_.back().time;
  start_ = Clock::now();
  const int64_t batch = setup_.config.recipe.batch;
  {
    Progress progress("training", steps_ * batch, "images", position_.step * batch);
    while (!finished()) {
      if (position_.step_in_epoch < steps_of_epoch()) train_step(run);
      progress.update(position_.step * batch, fmt::format("epoch {}, loss {:.3f}, top-1 {:.1f}%", position_.epoch + 1,
                                                          position_.running.loss(), 100 * position_.running.top1()));
      if (position_.step_in_epoch == steps_of_epoch() && !interrupted()) {
        finish_epoch(run);
      } else if (setup_.checkpoint_every > 0 && position_.step % setup_.checkpoint_every == 0) {
        if (!state_is_finite()) diagnose(run);
        save(run);
      }
      if (interrupted() && !finished()) stop(run);
    }
  }
  if (!evaluation_) evaluation_ = evaluate(inference_, setup_.data.test, setup_.info);
  if (!evaluation_) stop(run);
  report(run);
  return {.run = run.path(),
          .report = run.report(),
          .model = setup_.config.model,
          .epochs = position_.epoch,
          .top1 = evaluation_->top1(),
          .best_top1 = position_.best_top1.value_or(evaluation_->top1()),
          .images_per_second = images_per_second(),
          .evaluation = *evaluation_};
}

void Trainer::report(const RunDirectory& run) {
  TrainingReport report{.config = setup_.config,
                        .model = setup_.info.spec,
                        .rows = rows_,
                        .learning_rates = {},
                        .steps = steps_,
                        .steps_done = position_.step,
                        .test_name = setup_.data.test_name,
                        .test = setup_.data.test.get(),
                        .evaluation = evaluation_,
                        .time = time_,
                        .images_per_second = images_per_second(),
                        .command = setup_.command,
                        .environment = environment()};
  constexpr int64_t points = 400;
  for (int64_t point = 0; point <= std::min(points, steps_ - 1); ++point)
    report.learning_rates.push_back(
        learning_rate(setup_.config.recipe.schedule,
                      point * (steps_ - 1) / std::min(points, std::max<int64_t>(steps_ - 1, 1)), steps_));
  write_report(run, report);
}

/// The state is poisoned: the last checkpoint is loaded again and its steps are replayed with every result looked at.
void Trainer::diagnose(const RunDirectory& run) {
  const int64_t failed = position_.step;
  log_warning("the loss or a weight is not finite after step {}; replaying from the last checkpoint to find where",
              failed);
  const LoadedPosition good = load_position(run.last());
  for (const auto& [name, tensor] : good.state.tensors())
    std::ranges::copy(tensor.bytes(), state_.at(name).bytes().begin());
  state_.touch();
  position_ = good.position;
  const int64_t good_step = position_.step;
  loader_.restart(position_.epoch, position_.step_in_epoch);
  std::string where = "no single node could be named";
  while (position_.step < failed && !interrupted()) {
    const double lr = rate_of_step();
    const TrainingProgram::Result result = advance(true);
    if (!result.culprit && std::isfinite(result.loss)) continue;
    where = fmt::format("it first arose in node '{}' at step {} (epoch {}, lr {:g})", result.culprit.value_or("loss"),
                        position_.step, position_.epoch + 1, lr);
    break;
  }
  fail("training: the numbers are no longer finite: ", where, "; try a lower --lr; the last good checkpoint (step ",
       good_step, ") is kept in ", run.last().string());
}

}  // namespace resnet
