// resnet diagnose: why a network does not train, or that it is healthy.
#include "study/diagnose/diagnose.hpp"

#include "base/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"

#include <memory>

namespace resnet::cli {
namespace {

struct Options {
  DiagnoseRequest request;
  std::string recipe;
  bool json = false;
};

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.push_back(recipe.name);
  return names;
}

}  // namespace

Action declare_diagnose(CLI::App& app) {
  auto options = std::make_shared<Options>();
  DiagnoseRequest& request = options->request;
  app.add_option(
         "MODEL", request.model,
         "a name that `resnet models` lists (at initialisation, as `train` would start it), a run directory, a "
         "file (.safetensors, .pth, .pt, .th, .onnx), or fetched weights with a name of their own (resnet50.v2)")
      ->required();
  app.add_option("DATA", request.data, "as for eval and train; a run's own data, else builtin:shapes, by default");
  add_choice(app, "--recipe", options->recipe, recipe_names(),
             "whose learning rate and smoothing count (those of the run, else the first of `train`)");
  add_real(app, "--lr", request.rate, "the learning rate to judge, instead of the recipe's");
  add_whole(app, "--batches", request.measure.batches, 1, 1000, "batches to measure (4)");
  add_whole(app, "--batch", request.measure.batch, 2, 4096, "images of a batch (up to 64, fewer for large networks)");
  add_real(app, "--validation", request.validation, "part of the data split off for validation, as for eval");
  add_model_options(app, request.variant);
  add_open_options(app, request.open);
  add_seed(app, request.seed);
  add_threads(app, request.threads);
  app.add_option("--out", request.out, "where the report goes (default: the next free runs/diagnose/MODEL-DATA[-N])")
      ->type_name("DIR");
  app.add_flag("--force", request.force, "replace an earlier diagnosis in --out");
  add_json(app, options->json);
  return [options](const std::string& command) {
    catch_interrupts();
    if (!options->recipe.empty()) options->request.recipe = find_recipe(options->recipe);
    options->request.command = command;
    const DiagnoseResult result = diagnose(options->request);
    if (options->json) return print_json(to_json(result));
    print_text("{}\nreport  {}\n", to_text(result), result.report.string());
  };
}

}  // namespace resnet::cli
