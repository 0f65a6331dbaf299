#include "train/trainer.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "data/prepare.hpp"
#include "runtime/executable.hpp"
#include "train/class_weights.hpp"

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

/// Four batches lie ready, or as many large ones as fit into 512 MiB.
int batches_ahead(const TrainerSetup& setup) {
  constexpr int64_t room = int64_t{512} << 20;
  const int64_t bytes = setup.config.recipe.batch * setup.info.spec.input.elements() * int64_t{sizeof(float)};
  return static_cast<int>(std::clamp<int64_t>(room / bytes, 1, 4));
}

LoaderOptions loader_options(const TrainerSetup& setup) {
  const Recipe& recipe = setup.config.recipe;
  return {.batch = recipe.batch,
          .augmentation = allowed(recipe.augmentation, setup.data.augmentation),
          .drop_last = true,
          .seed = setup.config.seed,
          .balanced = recipe.balanced_sampling,
          .class_weights = class_weights(recipe.class_weights, *setup.data.train),
          .label_smoothing = recipe.label_smoothing,
          .threads = setup.loader_threads > 0 ? setup.loader_threads : default_loader_threads(setup.threads),
          .prefetch = batches_ahead(setup)};
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
      program_(setup_.info.spec, setup_.config.recipe, setup_.config.step, state_, setup_.config.seed,
               compile_options(setup_, pool_)),
      inference_(setup_.info.spec, state_, compile_options(setup_, pool_)),
      pace_(loader_options(setup_).threads),
      shown_(prepared(setup_.data.test, setup_.info.preprocessing)),
      start_(Clock::now()) {
  setup_.config.instruction_set =
      setup_.backend == Backend::reference ? reference_kernels : cpu_backend_info().instruction_set;
  setup_.config.plan = program_.fingerprint();
  if (position_.step_in_epoch < loader_.steps_per_epoch())
    loader_.restart(position_.epoch, position_.step_in_epoch);
  else
    loader_.restart(position_.epoch + 1);
}

int64_t Trainer::steps_of_epoch() const {
  return std::min(loader_.steps_per_epoch(), steps_ - (position_.step - position_.step_in_epoch));
}

double Trainer::rate_of(int64_t step) const {
  const Recipe& recipe = setup_.config.recipe;
  const bool gentle = position_.gentle ? step <= position_.step : step < position_.gentle_end;
  return gentle ? recipe.gentle.lr : learning_rate(recipe.schedule, step, steps_);
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
  setup_.bad.add(batch.bad);
  TrainingProgram::Result result;
  position_.rate = rate_of(position_.step);
  {
    const Stopwatch watch(time_.compute);
    result = program_.run(batch, position_.rate, position_.step, checked);
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
    position_.gentle_end = position_.step;
    log_info("step {}: training error {:.1f}%, the gentle start is over", position_.step, 100 * error);
  }
  position_.window_images = position_.window_correct = 0;
}

void Trainer::save(const RunDirectory& run) {
  const Stopwatch watch(time_.saving);
  save_position(run.last(), setup_.info, state_, position_, setup_.config.recipe);
}

void Trainer::save_best(const RunDirectory& run) {
  const Stopwatch watch(time_.saving);
  save_model(run.best(), setup_.info, state_, position_.step);
}

void Trainer::train_step(const RunDirectory& run) {
  const int64_t before = position_.running.images;
  const TrainingProgram::Result result = advance(false);
  if (!std::isfinite(result.loss)) diagnose(run);
  images_trained_ += position_.running.images - before;
  sample_health(run);
  pace_.update({.compute = time_.compute, .waiting = time_.loading, .loader = loader_.times()});
  if (step_hook) step_hook(position_.step);
}

std::optional<EvaluationResult> Trainer::evaluate_now() {
  const int threads = setup_.loader_threads > 0 ? setup_.loader_threads : default_loader_threads(setup_.threads);
  return evaluate(inference_, setup_.data.test, setup_.info, &setup_.bad, threads);
}

void Trainer::finish_epoch(const RunDirectory& run) {
  if (!state_is_finite()) diagnose(run);
  std::optional<EvaluationResult> evaluation;
  {
    const Stopwatch watch(time_.evaluation);
    evaluation = evaluate_now();
  }
  if (!evaluation) return;  // interrupted: the checkpoint says that this epoch is still to be evaluated
  evaluation_ = std::move(evaluation);
  const MetricsRow row = row_of_epoch();
  const double top1 = *row.top1;
  run.append(row);
  rows_.push_back(row);
  log_info("epoch {}: loss {}, top-1 {:.2f}%; {} loss {}, top-1 {:.2f}%; {:.0f} images/s", row.epoch,
           loss_text(row.train_loss), 100 * row.train_top1, setup_.data.test_name, loss_text(*row.val_loss), 100 * top1,
           images_per_second());
  const bool usable = std::isfinite(*row.val_loss);
  if (!usable)
    log_warning(
        "the {} loss is not finite: the network overflows on these images; after a few steps batch norm's running "
        "statistics may still be far off in a deep one, else try a lower --lr",
        setup_.data.test_name);
  const bool best = usable && (!position_.best_top1 || top1 > *position_.best_top1);
  if (best) {
    position_.best_top1 = top1;
    position_.best_step = position_.step;
  }
  ++position_.epoch;
  position_.step_in_epoch = 0;
  position_.running = {};
  save(run);
  if (best) save_best(run);  // after `last`, which holds the same weights: a crash in between can be made good
  if (!finished()) try_report(run);
}

MetricsRow Trainer::row_of_epoch() const {
  return {.epoch = position_.epoch + 1,
          .step = position_.step,
          .time = seconds(),
          .lr = position_.rate,
          .train_loss = position_.running.loss(),
          .val_loss = evaluation_->loss,
          .top1 = evaluation_->top1(),
          .top5 = evaluation_->top5(),
          .train_top1 = position_.running.top1()};
}

void Trainer::stop(const RunDirectory& run) {
  if (!state_is_finite()) diagnose(run);
  save(run);
  try_report(run);
  fail_as(ExitCode::interrupted, "interrupted after step ", position_.step, " of ", steps_,
          "; saved, continue with: resnet resume ", run.path().string());
}

std::string Trainer::progress_details() const {
  const std::string note = setup_.progress_note ? setup_.progress_note(position_.step) : "";
  return fmt::format("epoch {}, loss {}, top-1 {:.1f}%{}{}", position_.epoch + 1, loss_text(position_.running.loss()),
                     100 * position_.running.top1(), note.empty() ? "" : "; ", note);
}

TrainResult Trainer::train(const RunDirectory& run, std::vector<MetricsRow> rows) {
  rows_ = std::move(rows);
  earlier_seconds_ = rows_.empty() ? 0 : rows_.back().time;
  start_ = Clock::now();
  samples_ = truncate_samples(run.diagnosis(), position_.step);
  sample_health(run);
  if (position_.best_top1 && position_.best_step == position_.step) save_best(run);
  const int64_t batch = setup_.config.recipe.batch, every = setup_.config.checkpoint_every;
  {
    Progress progress("training", steps_ * batch, "images", position_.step * batch);
    while (!finished()) {
      if (position_.step_in_epoch < steps_of_epoch()) train_step(run);
      progress.update(position_.step * batch, progress_details());
      if (position_.step_in_epoch == steps_of_epoch() && !interrupted()) {
        finish_epoch(run);
      } else if (every > 0 && position_.step % every == 0) {
        if (!state_is_finite()) diagnose(run);
        save(run);
      }
      if (interrupted() && !finished()) stop(run);
    }
  }
  if (!evaluation_) evaluation_ = evaluate_now();
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

void Trainer::report(const RunDirectory& run, const std::string& failure) {
  if (shown_training_.empty())
    shown_training_ =
        training_images(setup_.data.train, setup_.info.preprocessing, loader_options(setup_), shown_images);
  TrainingReport report{.config = setup_.config,
                        .model = setup_.info.spec,
                        .rows = rows_,
                        .learning_rates = {},
                        .steps = steps_,
                        .steps_done = position_.step,
                        .gentle_steps = position_.gentle ? position_.step : position_.gentle_end,
                        .failure = failure,
                        .test_name = setup_.data.test_name,
                        .test = shown_.get(),
                        .augmentation = describe(loader_options(setup_).augmentation),
                        .class_weights = describe_class_weights(setup_.config.recipe.class_weights, *setup_.data.train),
                        .samples = samples_,
                        .training = shown_training_,
                        .evaluation = evaluation_,
                        .time = time_,
                        .images_per_second = images_per_second(),
                        .command = path_exists(run.command()) ? read_file(run.command(), 1 << 20) : "",
                        .environment = environment()};
  const int64_t points = std::min<int64_t>(400, steps_ - 1);
  for (int64_t point = 0; point <= points; ++point)
    report.learning_rates.push_back(rate_of(point * (steps_ - 1) / std::max<int64_t>(points, 1)));
  write_report(run, report);
}

void Trainer::try_report(const RunDirectory& run, const std::string& failure) {
  try {
    report(run, failure);
  } catch (const Error& error) {
    log_warning("the report could not be written: {}", error.what());
  }
}

}  // namespace resnet
