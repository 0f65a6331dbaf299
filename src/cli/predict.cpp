// resnet predict: the classes of photos.
#include "train/predict.hpp"

#include "base/csv.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/model_argument.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "data/image_files.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace resnet::cli {
namespace {

struct PredictOptions {
  PredictRequest request;
  bool csv = false, json = false;
};

void show_text(const Predictions& predictions) {
  std::size_t width = 0;
  for (const Prediction& image : predictions.images) width = std::max(width, image.file.size());
  for (const Prediction& image : predictions.images) {
    std::string line = fmt::format("{:<{}}", image.file, width);
    for (const ClassProbability& guess : image.classes)
      line += fmt::format("  {} {}", guess.label, percent(guess.probability));
    print_text("{}\n", line);
  }
}

void show_csv(const Predictions& predictions) {
  print_text("file,label,probability\n");
  for (const Prediction& image : predictions.images)
    for (const ClassProbability& guess : image.classes)
      print_text("{}", csv_row({image.file, guess.label, fmt::format("{}", guess.probability)}));
}

void show_json(const Predictions& predictions) {
  Json list = Json::array();
  for (const Prediction& image : predictions.images) {
    Json classes = Json::array();
    for (const ClassProbability& guess : image.classes)
      classes.push_back({{"label", guess.label}, {"probability", guess.probability}});
    list.push_back({{"file", image.file}, {"classes", std::move(classes)}});
  }
  print_json(list);
}

}  // namespace

/// `predict --model resnet50 cat.jpg`: the option names the network itself, and all words are images.
void take_model_from_option(PredictRequest& request) {
  const bool is_image = is_folder(request.model) ? !path_exists(fs::path(request.model) / "config.toml")
                                                 : has_image_extension(request.model);
  if (request.open.model.empty() || !is_image) return;
  request.images.insert(request.images.begin(), request.model);
  request.model = std::exchange(request.open.model, {});
}

Action declare_predict(CLI::App& app) {
  auto options = std::make_shared<PredictOptions>();
  PredictRequest& request = options->request;
  app.add_option("MODEL", request.model,
                 "a run directory (its best network), a file (.safetensors, .pth, .pt, .th, .onnx), or the name of "
                 "fetched weights; left out, --model names it")
      ->required();
  add_open_options(app, request.open);
  app.add_option("IMAGE", request.images,
                 "photos, or folders and .tar files, of which every photo at any depth is taken")
      ->take_all();
  add_whole(app, "--top-k", request.top_k, 1, 1'000'000, "classes to name of each photo (5)");
  add_view_options(app, request.views);
  app.add_flag("--csv", options->csv, "print a table with the columns file, label, probability");
  add_threads(app, request.threads);
  add_json(app, options->json);
  return [options](const std::string&) {
    if (options->csv && options->json) fail_usage("predict: give either --csv or --json, not both");
    take_model_from_option(options->request);
    if (options->request.images.empty())
      fail_usage("predict: no images; name photos or folders behind the model, as in `resnet predict MODEL cat.jpg`");
    expect_weights("predict", options->request.model);
    catch_interrupts();
    const Predictions predictions = predict(options->request);
    if (predictions.images.empty() && predictions.bad.size() == 1)
      fail_data(predictions.bad[0].file, ": ", predictions.bad[0].reason);
    for (const BadImage& image : predictions.bad) log_warning("{}: {}", image.file, image.reason);
    if (options->json)
      show_json(predictions);
    else if (options->csv)
      show_csv(predictions);
    else
      show_text(predictions);
    if (!predictions.bad.empty())
      fail_data("predict: ", predictions.bad.size(), " of ",
                plural(predictions.bad.size() + predictions.images.size(), "image"), " could not be read");
  };
}

}  // namespace resnet::cli
