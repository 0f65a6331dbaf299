// resnet convert and resnet export: networks and weights from one kind of file to another.
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "formats/onnx_export.hpp"
#include "train/open_network.hpp"
#include "train/recalibrate.hpp"

#include <algorithm>
#include <memory>

namespace resnet::cli {
namespace {

struct ConvertOptions {
  std::string input;
  fs::path output;
  OpenOptions open;
  std::string classes;      // a file with one name a line
  std::string recalibrate;  // data for new batch-norm statistics
  Recalibration recalibration;
  int threads = 0;
  bool weights_only = false, keep_batch_norm = false, preprocess = false, force = false, json = false;
};

void expect_free(const ConvertOptions& options, const char* verb) {
  if (path_exists(options.output) && !options.force)
    fail_usage(verb, ": ", options.output.string(), " exists; --force replaces it");
}

/// The tensors alone, under the file's own names without wrappers.
void convert_weights(const ConvertOptions& options) {
  const WeightsFile file = weights_of(options.input);
  TensorReferences tensors;
  for (const NamedTensor& item : file.tensors) tensors[without_wrappers(item.name)] = &item.tensor;
  if (tensors.size() != file.tensors.size()) fail_model(options.input, ": two tensors have one name without 'module.'");
  write_safetensors(options.output, tensors, {{"format", "pt"}});
  for (const std::string& name : file.foreign) log_info("left out the foreign object {}", name);
  log_info("{}: {} tensors", options.output.string(), tensors.size());
}

std::vector<std::string> class_names(const ConvertOptions& options, int expected) {
  std::vector<std::string> names;
  std::istringstream lines(read_file(options.classes, 1 << 24));
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  if (static_cast<int>(names.size()) != expected)
    fail_data(options.classes, ": ", names.size(), " lines for ", expected, " classes");
  return names;
}

OpenedModel opened(const ConvertOptions& options) {
  OpenedModel model = open_network(options.input, options.open);
  if (!options.classes.empty()) {
    model.info.classes = class_names(options, model.info.spec.classes);
    model.classes_known = true;
  }
  if (!model.classes_known)
    log_warning("{} names no classes; their numbers are stored (--classes FILE)", options.input);
  if (!model.preprocessing_known)
    log_warning("{} says nothing of preprocessing; pixels / 255 are stored (--mean, --std)", options.input);
  return model;
}

/// New statistics from the training images, or from all where there are none.
void recalibrate_on(const ConvertOptions& options, OpenedModel& model) {
  if (options.recalibrate.empty()) return;
  catch_interrupts();
  const DataSplit data = open_data(resolved_data(options.recalibrate), {.threads = options.threads});
  const auto threads = std::make_shared<ThreadPool>(options.threads > 0 ? options.threads : available_cores());
  model.num_batches_tracked =
      recalibrate(model.info, model.state, data.train ? data.train : data.test, options.recalibration, threads);
  log_info("batch-norm statistics are the mean of {} batches of {} images", model.num_batches_tracked,
           options.recalibration.batch);
}

void write_onnx(const ConvertOptions& options, const OpenedModel& model) {
  write_file(options.output,
             onnx::export_network(model.info, model.state,
                                  {.fold = !options.keep_batch_norm, .preprocess = options.preprocess}));
}

void report(const ConvertOptions& options, const OpenedModel& model) {
  if (options.json)
    return print_json(
        {{"output", options.output.string()}, {"model", model.info.spec.name}, {"classes", model.info.spec.classes}});
  print_text("{}: {}, {}\n", options.output.string(), model.info.spec.name, describe(model.info.spec));
}

void convert(const ConvertOptions& options) {
  expect_free(options, "convert");
  const std::string extension = options.output.extension().string();
  if (extension != ".safetensors" && extension != ".onnx")
    fail_usage("convert: expected an OUT that ends in .safetensors or .onnx, got ", options.output.string());
  if (options.weights_only && extension != ".safetensors") fail_usage("convert: --weights-only writes .safetensors");
  if (options.weights_only && !options.recalibrate.empty())
    fail_usage("convert: --recalibrate needs a network, --weights-only has none");
  if (options.weights_only) return convert_weights(options);
  OpenedModel model = opened(options);
  recalibrate_on(options, model);
  if (extension == ".onnx")
    write_onnx(options, model);
  else
    save_model(options.output, model.info, model.state, model.num_batches_tracked);
  report(options, model);
}

void add_common(CLI::App& app, ConvertOptions& options) {
  add_open_options(app, options.open);
  app.add_option("--classes", options.classes, "names of the classes, one a line, for files that have none")
      ->type_name("FILE");
  app.add_flag("--keep-batch-norm", options.keep_batch_norm,
               "ONNX: batch norms stay nodes of their own, instead of being folded into the convolutions");
  app.add_flag("--preprocess", options.preprocess,
               "ONNX: uint8 images [N,H,W,C] in and probabilities out, with the preprocessing inside the network");
  app.add_flag("--force", options.force, "replace OUT");
  add_json(app, options.json);
}

}  // namespace

Action declare_convert(CLI::App& app) {
  auto options = std::make_shared<ConvertOptions>();
  app.add_option("IN", options->input, "a run directory or a file: .safetensors, .pth, .pt, .th, .onnx")->required();
  app.add_option("OUT", options->output, "a .safetensors or .onnx file")->required();
  app.add_flag("--weights-only", options->weights_only, "the tensors alone, whatever network they belong to");
  app.add_option("--recalibrate", options->recalibrate,
                 "batch-norm statistics computed anew on the training images of these data, in place of the moving "
                 "averages of training")
      ->type_name("DATA");
  add_whole(app, "--batch", options->recalibration.batch, 2, 1 << 16,
            "images whose statistics are taken together for --recalibrate (64)");
  add_whole(app, "-n,--images", options->recalibration.images, 0, 1 << 30, "images for --recalibrate; 0: all (0)");
  add_seed(app, options->recalibration.seed);
  add_threads(app, options->threads);
  add_common(app, *options);
  return [options](const std::string&) { convert(*options); };
}

Action declare_export(CLI::App& app) {
  auto options = std::make_shared<ConvertOptions>();
  app.add_option("MODEL", options->input, "a run directory or a file: .safetensors, .pth, .pt, .th, .onnx")->required();
  app.add_option("OUT", options->output, "the .onnx file")->required();
  bool* fold = &options->keep_batch_norm;
  app.add_flag_callback(
      "--fold", [fold] { *fold = false; }, "fold batch norms into the convolutions (the default)");
  add_common(app, *options);
  return [options](const std::string&) {
    if (options->output.extension() != ".onnx")
      fail_usage("export: expected an OUT that ends in .onnx, got ", options->output.string(),
                 "; `resnet convert` writes .safetensors");
    expect_free(*options, "export");
    const OpenedModel model = opened(*options);
    write_onnx(*options, model);
    report(*options, model);
  };
}

}  // namespace resnet::cli
