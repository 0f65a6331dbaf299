// resnet train and resnet resume.
#include "train/train.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "cli/augment_options.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "data/cache.hpp"

#include <limits>
#include <memory>
#include <sstream>

namespace resnet::cli {
namespace {

constexpr int64_t any = std::numeric_limits<int64_t>::max();

void show(const TrainResult& result, bool json) {
  if (json)
    return print_json({{"run", result.run.string()},
                       {"model", result.model},
                       {"epochs", result.epochs},
                       {"top1", result.top1},
                       {"best_top1", result.best_top1},
                       {"images_per_second", result.images_per_second}});
  print_text("{}: accuracy {} after {} epoch{} (best {}), {:.0f} images/s\n", result.model, percent(result.top1),
             result.epochs, result.epochs == 1 ? "" : "s", percent(result.best_top1), result.images_per_second);
  print_text("run     {}\nreport  {}\n", result.run.string(), result.report.string());
}

struct TrainOptions {
  TrainRequest request{.diagnose_every = 100};
  std::string recipe{recipes().front().name};
  RecipeChanges changes;
  std::string precision = "fp32", memory = "normal";
  bool no_reuse = false, json = false;
};

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

std::vector<StageRate> stage_rates(const std::string& list) {
  std::vector<StageRate> rates;
  for (const std::string& part : parts_of(list)) rates.push_back(stage_rate_from(part));
  return rates;
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.push_back(recipe.name);
  return names;
}

std::string recipe_help() {
  std::string text = "how to train:";
  for (const Recipe& recipe : recipes()) text += "\n" + recipe.name + ": " + recipe.summary;
  return text;
}

void add_data_options(CLI::App& app, TrainOptions& options) {
  app.add_option("DATA", options.request.data,
                 "a folder of class folders with photos, tar files of such, a CIFAR-10 or CIFAR-100 folder (binary "
                 "version), an MNIST folder (idx files), the name of a fetched data set (cifar10), builtin:shapes (the "
                 "default) or builtin:patterns; "
                 "generated data take options, as in builtin:shapes?train=8000&seed=1");
  add_real(app, "--validation", options.request.validation,
           "part of the training images kept for validation where there are no test images (0.1)");
  app.add_option("--split", options.request.split,
                 "an earlier run, or its split.csv: photos that it knows stay in their part, new ones are split by "
                 "their content")
      ->type_name("RUN|FILE");
  PreprocessingChanges& changes = options.request.preprocessing;
  add_whole(app, "--size", changes.size, 8, 4096,
            "both sides of the network's input in pixels (photos; by their sizes)");
  add_whole(app, "--resize", changes.resize, 8, 8192,
            "length to which the shorter side of a photo is resized before its centre is cut out (8/7 of --size)");
  app.add_option_function<std::string>(
         "--filter", [&changes](const std::string& text) { changes.filter = filter_from_name(text); },
         "how photos are resized, as Pillow does (bilinear)")
      ->type_name("bilinear|bicubic");
  add_part(app, "--max-bad", options.request.max_bad, "part of the images that may turn out to be unusable (1%)");
}

void add_recipe_options(CLI::App& app, TrainOptions& options) {
  RecipeChanges& changes = options.changes;
  add_choice(app, "--recipe", options.recipe, recipe_names(), recipe_help());
  add_whole(app, "--epochs", changes.epochs, 1, any,
            "length, 8 for builtin:shapes where no recipe is chosen; the milestones of the schedule move along");
  add_whole(app, "--iterations", changes.iterations, 1, any, "length in steps instead");
  add_whole(app, "--batch", changes.batch, 1, any, "images of a step");
  add_real(app, "--lr", changes.lr, "peak learning rate");
  app.add_option("--schedule", changes.schedule, "constant, step, cosine or linear")->type_name("NAME");
  add_real(app, "--warmup", changes.warmup, "part of all steps over which the rate climbs to its peak");
  add_real(app, "--momentum", changes.momentum, "of SGD");
  add_yes_no(app, "--nesterov", changes.nesterov, "SGD looks ahead along the momentum");
  add_real(app, "--weight-decay", changes.weight_decay, "of SGD");
  add_yes_no(app, "--decay-all", changes.decay_all, "weight decay also of batch norm and biases");
  app.add_option("--sampling", changes.sampling,
                 "shuffled: each image once in an epoch; balanced: as many images of each class")
      ->type_name("shuffled|balanced");
  app.add_option("--class-weights", changes.class_weights,
                 "weights of classes in the loss: none, balanced (by the number of images), or ants=2,bees=1")
      ->type_name("WEIGHTS");
  add_real(app, "--label-smoothing", changes.label_smoothing, "part of each target spread over all classes");
}

void add_run_options(CLI::App& app, TrainOptions& options) {
  TrainRequest& request = options.request;
  app.add_option("--weights", request.weights,
                 "start from this file (.safetensors, .pth, .pt, .th, .onnx), run directory or fetched network; "
                 "without --model its "
                 "structure is taken, and a head for other classes starts anew")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--freeze",
         [&options](const std::string& text) {
           options.changes.freeze = parts_of(text);
           if (options.changes.freeze->empty()) fail_usage("--freeze: name stages, as in stem,layer1");
         },
         "stages that stay as they are, as in stem,layer1, or backbone for all but the head; their batch norms "
         "normalise with the statistics they came with")
      ->type_name("STAGES");
  app.add_option_function<std::string>(
         "--stage-lr", [&options](const std::string& text) { options.changes.stage_lr = stage_rates(text); },
         "part of the learning rate for some stages, as in layer3=0.1,head=1")
      ->type_name("STAGE=X,...");
  add_precision(app, options.precision);
  add_memory(app, options.memory);
  add_seed(app, request.seed);
  add_threads(app, request.threads);
  add_whole(app, "--loader-threads", request.loader_threads, 0, 1024, "threads that prepare images; 0: by --threads");
  app.add_option("--out", request.out, "the run directory (default: the next free runs/train/MODEL-DATA[-N])")
      ->type_name("DIR");
  app.add_flag("--force", request.force, "replace an earlier run in --out");
  add_whole(app, "--checkpoint-every", request.checkpoint_every, 0, any, "steps; 0: after each epoch");
  add_whole(app, "--diagnose-every", request.diagnose_every, 0, any,
            "steps between samples of the health of layers and blocks, shown by the report over depth and time (100); "
            "0: none");
  app.add_flag("--no-reuse", options.no_reuse, "give every value its own memory, to find a fault");
  add_json(app, options.json);
}

struct ResumeOptions {
  ResumeRequest request;
  bool no_reuse = false, json = false;
};

/// The generated shapes are learnt in fewer epochs than the recipe has for photographs, and the first command should
/// end within three minutes on two cores.
constexpr int64_t epochs_of_shapes = 8;

/// Shortens the default recipe for builtin:shapes, unless the user chose a recipe or a length.
void shorten_for_shapes(const CLI::App& app, TrainOptions& options) {
  RecipeChanges& changes = options.changes;
  if (app.count("--recipe") > 0 || changes.epochs || changes.iterations) return;
  if (!options.request.data.starts_with("builtin:shapes")) return;
  changes.epochs = epochs_of_shapes;
}

void add_cache_options(CLI::App& app, fs::path& cache) {
  app.add_flag_callback(
      "--cache", [&cache] { cache = cache.empty() ? default_cache_folder() : cache; },
      "keep decoded photos on disk, in ~/.cache/resnet; no result changes");
  app.add_option("--cache-dir", cache, "keep them in this folder")->type_name("DIR");
}

}  // namespace

Action declare_train(CLI::App& app) {
  auto options = std::make_shared<TrainOptions>();
  app.add_option(
         "--model", options->request.model,
         "a name that `resnet models` lists (resnet20; for photos by their sizes), or a file whose structure is "
         "taken; with --weights alone the structure of that file")
      ->type_name("NAME|FILE");
  add_data_options(app, *options);
  add_recipe_options(app, *options);
  add_augment_options(app, options->changes.augmentation);
  add_model_options(app, options->request.model_options);
  add_run_options(app, *options);
  add_cache_options(app, options->request.cache);
  return [options, &app](const std::string& command) {
    TrainRequest& request = options->request;
    shorten_for_shapes(app, *options);
    request.step = {resolved_precision(options->precision), options->memory == "low"};
    request.choose_precision = options->precision == "auto";
    if (app.count("--model") == 0) request.model.clear();
    if (app.count("--recipe") == 0) request.choose_recipe = options->changes;
    request.recipe = changed(find_recipe(options->recipe), options->changes);
    request.reuse_memory = !options->no_reuse;
    request.command = command;
    catch_interrupts();
    show(train(request), options->json);
  };
}

Action declare_resume(CLI::App& app) {
  auto options = std::make_shared<ResumeOptions>();
  ResumeRequest& request = options->request;
  app.add_option("RUN", request.run, "the run directory")->required();
  add_whole(app, "--epochs", request.epochs, 1, any, "another length than planned; the bytes will differ then");
  add_threads(app, request.threads);
  add_cache_options(app, request.cache);
  add_whole(app, "--loader-threads", request.loader_threads, 0, 1024, "threads that prepare images; 0: by --threads");
  add_whole(app, "--checkpoint-every", request.checkpoint_every, 0, any, "steps; 0: after each epoch");
  app.add_flag("--no-reuse", options->no_reuse, "give every value its own memory, to find a fault");
  add_json(app, options->json);
  return [options](const std::string& command) {
    options->request.reuse_memory = !options->no_reuse;
    options->request.command = command;
    catch_interrupts();
    show(resume(options->request), options->json);
  };
}

}  // namespace resnet::cli
