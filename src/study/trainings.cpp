#include "study/trainings.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "models/cost.hpp"
#include "train/checkpoint.hpp"
#include "train/training_program.hpp"
#include "train/unchanged.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;

Recipe recipe_of(const TrainingOptions& options) {
  RecipeChanges changes;
  if (options.epochs > 0) changes.epochs = options.epochs;
  if (options.batch > 0) changes.batch = options.batch;
  return changed(find_recipe(options.recipe), changes);
}

TrainRequest request_of(const TrainingOptions& options) {
  TrainRequest request;
  request.data = options.data;
  request.recipe = recipe_of(options);
  request.step.precision = training_precision(options);
  return request;
}

/// A training with its place, and what is known of it before anything is trained.
struct Place {
  Training training;
  RunDirectory run;
  RunConfig planned;
  int64_t steps = 0, done = 0;
  double cost = 0;  // multiply-adds of a step

  bool finished() const { return done == steps; }
};

/// Steps that are done; a run whose last epoch was not evaluated lacks one.
int64_t steps_done(const RunDirectory& run, const Place& place) {
  const TrainingPosition position = load_position(run.last()).position;
  return position.step == place.steps && position.step_in_epoch > 0 ? place.steps - 1 : position.step;
}

Place place_of(Training training, const fs::path& folder, const DataSplit& data) {
  const RunConfig planned = planned_config(training.request, data);
  const int64_t steps_per_epoch = std::max<int64_t>(1, planned.train.count / planned.recipe.batch);
  Place place{.training = std::move(training), .run = RunDirectory(folder), .planned = planned};
  place.steps = total_steps(planned.recipe, steps_per_epoch);
  place.cost = static_cast<double>(network_cost(spec_from_json(planned.model_spec)).macs * planned.recipe.batch);
  if (!path_exists(folder)) return place;
  const RunDirectory there = open_run(folder);
  expect_same_training(planned, config_from_toml(read_file(there.config(), 1 << 20), there.config().string()), folder);
  place.done = steps_done(there, place);
  return place;
}

/// How long the whole queue will take, from the multiply-adds done and ahead.
class Forecast {
 public:
  explicit Forecast(const std::vector<Place>& places) : start_(Clock::now()) {
    for (const Place& place : places) {
      ahead_ += place.cost * static_cast<double>(place.steps - place.done);
      count_ += place.finished() ? 0 : 1;
    }
  }

  /// Begins the next training.
  void begin() { ++begun_; }
  /// The running training has come from `place.done` to `step`.
  std::string note(const Place& place, int64_t step) const {
    const double done = done_ + place.cost * static_cast<double>(step - place.done);
    const std::string of = fmt::format("training {} of {}", begun_, count_);
    if (done <= 0) return of;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return fmt::format("{}, {} left for all", of, duration_text(seconds * (ahead_ - done) / done));
  }
  void end(const Place& place) { done_ += place.cost * static_cast<double>(place.steps - place.done); }

 private:
  Clock::time_point start_;
  double ahead_ = 0, done_ = 0;
  int64_t count_ = 0, begun_ = 0;
};

void train_or_resume(const StudyRun& run, const Place& place, const Forecast& forecast) {
  const auto note = [&](int64_t step) { return forecast.note(place, step); };
  log_info("{}: {}", place.training.name, forecast.note(place, place.done));
  const int threads = run.pool()->threads();
  if (path_exists(place.run.path())) {
    resume({.run = place.run.path(), .threads = threads, .command = run.resume_command(), .progress_note = note});
    return;
  }
  TrainRequest request = place.training.request;
  request.out = place.run.path();
  request.threads = threads;
  request.command = run.resume_command();
  request.progress_note = note;
  train(request);
}

/// Why the training ended early; empty if it did not.
std::string failure_of_training(StudyRun& run, const Place& place, const Forecast& forecast) {
  run.stop_if_interrupted();
  try {
    train_or_resume(run, place, forecast);
  } catch (const NotFinite& failure) {
    log_warning("{}: {}; the study goes on with the others", place.training.name, failure.what());
    return failure.what();
  } catch (const Error& error) {
    if (error.code() == ExitCode::interrupted) run.stop_if_interrupted();
    throw;
  }
  return {};
}

Trained read_trained(const Place& place, std::string failure) {
  return {.name = place.training.name,
          .run = place.run,
          .config = config_from_toml(read_file(place.run.config(), 1 << 20), place.run.config().string()),
          .rows = place.run.read_metrics(),
          .failure = std::move(failure)};
}

}  // namespace

void declare_training_options(StudyOptions& options, TrainingOptions& target) {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.push_back(recipe.name);
  options.text("--data", target.data, "DATA", "what to train on: what `resnet train` takes");
  options.choice("--recipe", target.recipe, names, "how to train, as `resnet train --recipe`");
  options.whole("--epochs", target.epochs, 0, 1'000'000, "of each training; 0: as long as the recipe says");
  options.whole("--batch", target.batch, 0, 1'000'000, "images in a step; 0: as many as the recipe says");
  options.whole("--seeds", target.seeds, 1, 1000, "trainings of each network, the first with --seed");
  options.choice("--precision", target.precision, {"auto", "bf16", "fp32"},
                 "auto: bf16 where the processor computes in it faster");
  options.text("--runs", target.runs, "DIR",
               "folder of the trainings' run directories: those that are there are used, others are added (runs/ of "
               "the study)");
  options.require([&target] { open_training_data(request_of(target)); });
}

std::vector<Training> trainings_of(const TrainingOptions& options, const std::string& model, uint64_t first_seed) {
  std::vector<Training> trainings;
  for (uint64_t seed = first_seed; seed < first_seed + static_cast<uint64_t>(options.seeds); ++seed) {
    trainings.push_back({fmt::format("{}-seed{}", model, seed), request_of(options)});
    trainings.back().request.model = model;
    trainings.back().request.seed = seed;
  }
  return trainings;
}

TrainedRuns train_all(StudyRun& run, const TrainingOptions& options, const std::vector<Training>& trainings) {
  const fs::path folder = options.runs.empty() ? run.directory().path() / "runs" : fs::path(options.runs);
  TrainedRuns trained;
  std::vector<Place> places;
  {
    const DataSplit data = open_training_data(request_of(options));
    trained.data_name = data.name;
    trained.test_name = data.test_name;
    for (const Training& training : trainings) places.push_back(place_of(training, folder / training.name, data));
  }
  const auto there = std::ranges::count_if(places, &Place::finished);
  if (there > 0) log_info("{} of {} trainings are there in {}", there, places.size(), folder.string());
  Forecast forecast(places);
  run.keep();
  for (const Place& place : places) {
    std::string failure;
    if (!place.finished()) {
      forecast.begin();
      failure = failure_of_training(run, place, forecast);
      forecast.end(place);
    }
    trained.runs.push_back(read_trained(place, std::move(failure)));
  }
  return trained;
}

Precision training_precision(const TrainingOptions& options) {
  if (options.precision != "auto") return resolved_precision(options.precision);
  return faster_precision(find_model("resnet20"), recipe_of(options));
}

std::string precision_text(const TrainingOptions& options) {
  if (training_precision(options) == Precision::fp32) return "Trained in fp32.";
  return "Trained in bf16: images and their gradients are stored in bfloat16; weights, statistics and all sums are in "
         "fp32.";
}

}  // namespace resnet
