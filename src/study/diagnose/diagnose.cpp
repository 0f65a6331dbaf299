#include "study/diagnose/diagnose.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/run_folder.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "fetch/table.hpp"
#include "train/checkpoint.hpp"
#include "train/environment.hpp"
#include "train/evaluation_sources.hpp"
#include "train/open_network.hpp"
#include "train/plan.hpp"

#include <fmt/format.h>

namespace resnet {
namespace {

constexpr std::string_view marker = "figures";
constexpr const char* default_data = "builtin:shapes";

struct Opened {
  Patient patient;
  std::string data, name, part;
  std::optional<RunFigures> run;
};

/// Most published weights have the name of their network. Here that is the network at its start, whether or not its
/// weights were fetched; weights are meant by a name of their own ("resnet50.v2") or by their file.
bool is_name(const std::string& model) {
  return !is_published_weights(model) ? !path_exists(model) : expect_published(model).model == model;
}

/// A name of the zoo: the network that `train` would start with.
Opened open_name(const DiagnoseRequest& request) {
  const std::string source = request.data.empty() ? default_data : request.data;
  const DataSplit data =
      open_data(resolved_data(source), {.threads = request.threads, .validation = request.validation.value_or(0.1)});
  if (!data.train) fail_data(source, ": has no training images; give a trained network, or other data");
  TrainRequest training{.model = request.model, .model_options = request.variant, .data = source};
  if (request.recipe)
    training.recipe = *request.recipe;
  else
    training.choose_recipe = RecipeChanges{};
  if (const std::optional<ImageSize>& size = request.open.size) {
    if (size->height != size->width) fail_usage("--size: a network of the zoo is trained on squares; give one number");
    training.preprocessing.size = size->height;
  }
  TrainingPlan plan = plan_training(training, data, nullptr);
  const OpenOptions& open = request.open;
  if (!open.mean.empty()) plan.info.preprocessing.mean = open.mean;
  if (!open.deviation.empty()) plan.info.preprocessing.deviation = open.deviation;
  return {.patient = {.info = std::move(plan.info),
                      .state = {},
                      .recipe = std::move(plan.recipe),
                      .data = data.train,
                      .steps = 0,
                      .seed = request.seed},
          .data = source,
          .name = data.name,
          .part = "training",
          .run = {}};
}

/// What a run says of its training so far.
RunFigures figures_of(const RunDirectory& run, const std::vector<MetricsRow>& rows, const std::string& part) {
  if (rows.empty()) return {.steps = load_position(run.last()).position.step};
  const MetricsRow& last = rows.back();
  return {.epochs = last.epoch,
          .steps = last.step,
          .train_loss = last.train_loss,
          .train_top1 = last.train_top1,
          .top1 = last.top1,
          .part = part};
}

Opened open_file(const DiagnoseRequest& request) {
  const bool data_open = request.data.empty() && !is_folder(request.model);
  const Sources sources = sources_of(request.model, data_open ? default_data : request.data, request.validation);
  OpenedModel model = open_network(sources.model.string(), request.open);
  DataOptions options = sources.options;
  options.threads = request.threads;
  const DataSplit data = open_data(resolved_data(sources.data), options);
  if (!data.note.empty()) log_info("{}", data.note);
  complete(model, data, sources.model.string());
  Opened opened{.patient = {.info = std::move(model.info), .state = std::move(model.state), .data = data.test},
                .data = sources.data,
                .name = data.name,
                .part = data.test_name,
                .run = {}};
  opened.patient.recipe = recipes().front();
  if (sources.run) {
    const RunConfig config =
        config_from_toml(read_file(sources.run->config(), 1 << 20), sources.run->config().string());
    opened.patient.recipe = config.recipe;
    opened.run = figures_of(*sources.run, sources.run->read_metrics(), data.test_name);
    // The best weights may be of an epoch long before the last one.
    const bool best = sources.model == sources.run->best() && path_exists(sources.run->last());
    opened.patient.steps = best ? load_position(sources.run->last()).position.best_step : opened.run->steps;
  }
  if (request.recipe) opened.patient.recipe = *request.recipe;
  return opened;
}

std::string config_of(const DiagnoseRequest& request, const DiagnoseResult& result, const Recipe& recipe) {
  const auto quoted = [](const std::string& text) { return text_of_json(text); };
  return fmt::format("model = {}\ndata = {}\npart = {}\nimages = {}\nbatch = {}\nseed = {}\n\n{}",
                     quoted(request.model), quoted(result.data), quoted(result.part), result.measured.health.images,
                     result.measured.health.batch, request.seed, to_toml(recipe));
}

}  // namespace

DiagnoseResult diagnose(const DiagnoseRequest& request) {
  Opened opened = is_name(request.model) ? open_name(request) : open_file(request);
  if (request.rate) opened.patient.recipe.schedule.peak = *request.rate;
  check(opened.patient.recipe);
  DiagnoseResult result{.model = opened.patient.info.spec.name,
                        .data = opened.data,
                        .part = opened.part,
                        .recipe = opened.patient.recipe.name};
  const Recipe recipe = opened.patient.recipe;
  NewRunFolder folder("diagnose", result.model + "-" + opened.name, request.out, request.force, marker);
  result.run = folder.path();
  result.report = folder.path() / "report.html";
  return logged(folder.path() / "log.txt", [&] {
    MeasureOptions options = request.measure;
    options.threads = std::make_shared<ThreadPool>(request.threads > 0 ? request.threads : available_cores());
    result.measured = measure(std::move(opened.patient), options);
    result.measured.run = opened.run;
    result.findings = findings_of(result.measured);
    write_file(folder.path() / "config.toml", config_of(request, result, recipe));
    write_file(folder.path() / "command.txt", request.command + "\n");
    write_file(folder.path() / "environment.json", to_json_text(environment()) + "\n");
    write_report(result, request.command);
    write_file(folder.path() / "results.json", text_of_json(to_json(result), 2) + "\n");
    folder.keep();
    return result;
  });
}

}  // namespace resnet
