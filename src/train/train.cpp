#include "train/train.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"
#include "data/cache.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "train/class_weights.hpp"
#include "train/open_network.hpp"
#include "train/plan.hpp"
#include "train/split_file.hpp"
#include "train/trainer.hpp"
#include "train/unchanged.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace resnet {
namespace {

int thread_count(int wanted) { return wanted > 0 ? wanted : available_cores(); }

/// A folder keeps its meaning when the run is resumed from elsewhere; a name means the same everywhere.
std::string lasting_source(const std::string& data) {
  const bool name = data.starts_with("builtin:") || resolved_data(data) != data;
  return name ? data : fs::absolute(data).lexically_normal().string();
}

DataSplit open_for_training(const std::string& source, const DataOptions& options, const fs::path& cache) {
  DataSplit data = open_data(resolved_data(source), options);
  if (!data.train) fail_data(source, ": has no training images; it can only be used by 'eval'");
  if (!data.note.empty()) log_info("{}", data.note);
  return cache.empty() ? data : with_cache(std::move(data), cache_file(cache, source), options.threads);
}

/// split.csv itself, or that of a run.
fs::path split_file_of(const TrainRequest& request) {
  if (request.split.empty() || !is_folder(request.split)) return request.split;
  return open_run(request.split).split();
}

void check_request(const TrainRequest& request, const Recipe& recipe, const DataSplit& data) {
  check(recipe);
  if (!(request.max_bad >= 0 && request.max_bad <= 1))
    fail_usage("--max-bad: expected a part between 0 and 1, got ", request.max_bad);
  if (!request.split.empty() && !(data.sizes && data.split_off))
    fail_usage("--split: ", request.data,
               data.sizes ? " has folders for its parts" : " holds no photos in class folders", ", so ",
               request.split.string(), " says nothing of it; leave out --split");
  if (request.seed > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    fail_usage("--seed: expected at most 9223372036854775807, got ", request.seed);
  if (request.step.precision == Precision::bf16 && !cpu_backend_info().bf16)
    fail_usage("--precision: bf16 needs a processor with AVX-512, which this one has not; use fp32");
  if (recipe.batch > data.train->size())
    fail_usage("--batch: ", recipe.batch, " images are more than the ", data.train->size(),
               " for training; choose a smaller one");
}

/// `weights`: a file, a run directory, or the name of published weights.
fs::path file_of_weights(const std::string& weights) { return model_file_of(resolved_weights(weights)); }

/// Network and preprocessing of the file that the training starts from; none if there is no such file, or if it says
/// nothing of its network and the request names one.
std::optional<ModelInfo> info_of_weights(const TrainRequest& request, const DataSplit& data) {
  if (request.weights.empty()) return std::nullopt;
  const bool bare = is_published_weights(request.weights) || is_bare_weights(file_of_weights(request.weights));
  if (bare && !request.model.empty()) return std::nullopt;
  OpenedModel model = open_network(request.weights);
  if (!model.preprocessing_known && data.preprocessing.channels == model.info.preprocessing.channels) {
    model.info.preprocessing.mean = data.preprocessing.mean;
    model.info.preprocessing.deviation = data.preprocessing.deviation;
  }
  return std::move(model.info);
}

/// The weights of a file as a start; a head for other classes starts anew.
State starting_weights(const std::string& weights, const ModelInfo& info) {
  if (weights.empty()) return {};
  const fs::path file = file_of_weights(weights);
  const Graph graph = forward_graph(info.spec, 1, Mode::inference);
  MappedWeights mapped = expect_mapped(graph, weights_of(file), HeadPolicy::remake, file.string());
  log_info("weights from {}: {}", weights, describe(mapped.report));
  return std::move(mapped.state);
}

BadImages bad_images(const RunConfig& config, const DataSplit& data) {
  return {config.data, config.max_bad, data.train->size() + data.test->size() + std::ssize(data.bad)};
}

TrainingPosition first_position(uint64_t seed, const Recipe& recipe, const ModelSpec& spec) {
  TrainingPosition position;
  position.seed = seed;
  const GentleStart& gentle = recipe.gentle;
  position.gentle = gentle.lr > 0 && weight_layers(spec) >= gentle.from_depth;
  return position;
}

void describe_start(const Trainer& trainer, const ModelInfo& info, const DataSplit& data, const RunDirectory& run) {
  const Recipe& recipe = trainer.config().recipe;
  log_info("{}: {}", info.spec.name, describe(info.spec));
  log_info("{}: {} for training, {} for {}, {}", data.name, plural(data.train->size(), "image"), data.test->size(),
           data.test_name, plural(info.classes.size(), "class"));
  log_info("recipe {}: {} of {}, {} an epoch, lr {}", recipe.name, plural(trainer.steps(), "step"),
           plural(recipe.batch, "image"), trainer.steps_per_epoch(), recipe.schedule.peak);
  if (const std::string weights = describe_class_weights(recipe.class_weights, *data.train); !weights.empty())
    log_info("weights of the classes in the loss: {}", weights);
  if (recipe.balanced_sampling) log_info("an epoch shows as many images of each class");
  const Augmentation augmentation = allowed(recipe.augmentation, data.augmentation);
  log_info("augmentation: {}", describe(augmentation));
  if (!data.augmentation.flip && (augmentation.randaugment_count > 0 || augmentation.trivial))
    log_warning("{}: mirroring changes the class of these images, so shears and rotations may do so too", data.name);
  const bool of_colours =
      augmentation.jitter.saturation > 0 || augmentation.jitter.hue > 0 || augmentation.lighting > 0;
  if (info.preprocessing.channels == 1 && (augmentation.randaugment_count > 0 || augmentation.trivial || of_colours))
    log_info(
        "the images are grey: what changes colours only (saturation, hue, lighting, a policy's Color) leaves them "
        "alone");
  const int64_t left_out = data.train->size() - trainer.steps_per_epoch() * recipe.batch;
  if (left_out > 0)
    log_info("the last {} of each epoch's order {} no batch and {} left out", plural(left_out, "image"),
             left_out == 1 ? "fills" : "fill", left_out == 1 ? "is" : "are");
  log_info("run {}", run.path().string());
}

void write_start(const RunDirectory& run, const RunConfig& config, const std::vector<std::string>& classes,
                 const DataSplit& data, const std::string& command) {
  std::string names;
  for (const std::string& name : classes) names += name + "\n";
  write_file(run.classes(), names);
  write_file(run.command(), command + "\n");
  if (data.sizes) write_split(run.split(), data);
  write_file(run.environment(), to_json_text(environment()) + "\n");
  write_file(run.config(), to_toml(config));
  run.truncate_metrics(-1);
}

/// What the run goes on with: as it was, but for what the request may change.
RunConfig next_config(const RunConfig& before, const LoadedPosition& last, const ResumeRequest& request,
                      const RunDirectory& run) {
  if (!(last.info.spec == spec_from_json(before.model_spec)))
    fail_model(run.last().string(), ": holds another network than config.toml says; restore one of them");
  expect_unedited(before, last, run, request.epochs.has_value());
  RunConfig config = before;
  if (request.epochs) config.recipe = changed(before.recipe, {.epochs = request.epochs});
  if (request.checkpoint_every) config.checkpoint_every = *request.checkpoint_every;
  return config;
}

/// The checked position; the momenta and all else that the training step keeps must be there as well.
TrainingPosition position_for(const RunConfig& config, const LoadedPosition& last, const DataSplit& data,
                              const RunDirectory& run) {
  const int64_t steps_per_epoch = std::max<int64_t>(1, data.train->size() / config.recipe.batch);
  const int64_t steps = total_steps(config.recipe, steps_per_epoch), done = last.position.step;
  if (!(config.recipe == last.recipe) && done > steps)
    fail_usage("--epochs: the run has already done ", done, " steps, more than the ", steps, " wanted");
  expect_match(training_graph(last.info.spec, config.recipe, config.step), last.state, run.last().string());
  return with_context(run.last().string(), [&] { return continued(last.position, steps, steps_per_epoch); });
}

/// A full disk costs nothing but the steps since the last checkpoint; says how to go on.
template <class Action>
TrainResult with_way_on(const RunDirectory& run, Action&& action) {
  try {
    return action();
  } catch (const WriteError& error) {
    throw Error(error.code(), text_of(error.what(), "; then continue with: resnet resume ", run.path().string()));
  }
}

void expect_same_kernels(const RunConfig& before, const RunConfig& now, const RunDirectory& run) {
  if (now.instruction_set != before.instruction_set || now.plan != before.plan)
    fail(run.path().string(), ": was trained with kernels for ", before.instruction_set, " (plan ", before.plan,
         "), here they are for ", now.instruction_set, " (plan ", now.plan,
         "), which would end with other bytes; resume it where it was started");
}

StepOptions step_of(const TrainRequest& request, const TrainingPlan& plan) {
  StepOptions step = request.step;
  if (request.choose_precision) step.precision = faster_precision(plan.info.spec, plan.recipe);
  return step;
}

/// What is trained, and the configuration of its run.
std::pair<TrainingPlan, RunConfig> planned(const TrainRequest& request, const DataSplit& data) {
  const std::optional<ModelInfo> start = info_of_weights(request, data);
  TrainingPlan plan = plan_training(request, data, start ? &*start : nullptr);
  check_request(request, plan.recipe, data);
  RunConfig config{.model = plan.info.spec.name,
                   .model_spec = to_json_text(plan.info.spec),
                   .data = lasting_source(request.data),
                   .validation = request.validation,
                   .max_bad = request.max_bad,
                   .train = identity_of(*data.train),
                   .test = identity_of(*data.test),
                   .seed = request.seed,
                   .step = step_of(request, plan),
                   .instruction_set = {},
                   .plan = {},
                   .checkpoint_every = request.checkpoint_every,
                   .diagnose_every = request.diagnose_every,
                   .recipe = plan.recipe};
  return {std::move(plan), std::move(config)};
}

}  // namespace

DataSplit open_training_data(const TrainRequest& request) {
  if (!(request.validation > 0 && request.validation < 1))
    fail_usage("--validation: expected a part between 0 and 1, got ", request.validation);
  return open_for_training(
      request.data,
      {.threads = thread_count(request.threads), .validation = request.validation, .split = split_file_of(request)},
      request.cache);
}

RunConfig planned_config(const TrainRequest& request, const DataSplit& data) { return planned(request, data).second; }

TrainResult train(const TrainRequest& request) {
  const int threads = thread_count(request.threads);
  const DataSplit data = open_training_data(request);
  const auto [plan, config] = planned(request, data);
  const auto& [info, recipe, reason] = plan;
  State state = starting_weights(request.weights, info);
  BadImages bad = bad_images(config, data);
  bad.add(data.bad);
  NewRun run("train", info.spec.name + "-" + data.name, request.out, request.force);
  bad.keep_in(run.directory().bad_files());
  Trainer trainer({.config = config,
                   .info = info,
                   .data = data,
                   .bad = std::move(bad),
                   .threads = threads,
                   .loader_threads = request.loader_threads,
                   .reuse_memory = request.reuse_memory,
                   .backend = request.backend,
                   .progress_note = request.progress_note},
                  std::move(state), first_position(request.seed, recipe, info.spec));
  write_start(run.directory(), trainer.config(), info.classes, data, request.command);
  trainer.save(run.directory());
  run.keep();
  return logged(run.directory().log(), [&, &info = info, &reason = reason] {
    if (!reason.empty()) log_info("{}", reason);
    describe_start(trainer, info, data, run.directory());
    return with_way_on(run.directory(), [&] { return trainer.train(run.directory(), {}); });
  });
}

TrainResult resume(const ResumeRequest& request) {
  const int threads = thread_count(request.threads);
  const RunDirectory run = open_run(request.run);
  const RunLock lock(run.path());
  const RunConfig before = config_from_toml(read_file(run.config(), 1 << 20), run.config().string());
  LoadedPosition loaded = load_position(run.last());
  const RunConfig config = next_config(before, loaded, request, run);
  const ModelInfo info = loaded.info;
  const DataSplit data = open_for_training(
      config.data, {.threads = threads, .validation = config.validation, .split = run.saved_split()}, request.cache);
  if (data.train->classes() != info.classes)
    fail_data(config.data, ": has other classes than the run was trained on; restore the data");
  expect_same_images(config, data, run);
  const TrainingPosition position = position_for(config, loaded, data, run);
  BadImages bad = bad_images(config, data);
  bad.keep_in(run.bad_files());
  bad.add(data.bad);
  Trainer trainer({.config = config,
                   .info = info,
                   .data = data,
                   .bad = std::move(bad),
                   .threads = threads,
                   .loader_threads = request.loader_threads,
                   .reuse_memory = request.reuse_memory,
                   .backend = before.instruction_set == reference_kernels ? Backend::reference : Backend::cpu,
                   .progress_note = request.progress_note},
                  std::move(loaded.state), position);
  expect_same_kernels(before, trainer.config(), run);
  run.remove_leftovers();
  return logged(run.log(), [&] {
    if (!(config == before)) write_file(run.config(), to_toml(config));
    if (!(config.recipe == loaded.recipe)) {
      log_warning(
          "the length changed to {} epochs: the schedule is rescaled, so the bytes differ from a run of that "
          "length from the start",
          config.recipe.epochs);
      trainer.save(run);  // the recipe in it must be that of config.toml
    }
    if (!request.command.empty()) append_line(run.command(), request.command);
    log_info("{}: continuing after step {} of {}", run.path().string(), position.step, trainer.steps());
    return with_way_on(run, [&] { return trainer.train(run, run.truncate_metrics(position.step)); });
  });
}

}  // namespace resnet
