#include "formats/open_model.hpp"

#include "base/error.hpp"
#include "formats/onnx_import.hpp"
#include "models/excerpt.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <utility>

namespace resnet {
namespace {

/// The structure with the file's classes and channels: by name, else [O,...] of the last and [...,I,...] of the first
/// tensor with two axes or more.
ModelSpec with_ends_of(const WeightsFile& file, ModelSpec spec) {
  constexpr int64_t most = 1 << 20;
  const NetworkEnds named = ends_by_name(forward_graph(spec, 1, Mode::inference), file);
  std::optional<int64_t> classes = named.classes, channels = named.channels;
  for (const NamedTensor& item : file.tensors) {
    const Shape& shape = item.tensor.shape();
    if (shape.rank() < 2 || shape.elements() == 0 || std::ranges::any_of(shape, [](int64_t e) { return e > most; }))
      continue;
    if (!channels && shape.rank() == 4) channels = shape[1];
    if (!named.classes) classes = shape[0];
  }
  if (classes && *classes <= most) spec.classes = static_cast<int>(*classes);
  if (channels && *channels <= most) spec.input.channels = static_cast<int>(*channels);
  return spec;
}

/// The row with the file's classes and channels, if it can have them.
std::optional<ModelSpec> row_for(const ModelSpec& row, const WeightsFile& file) {
  const ModelSpec spec = with_ends_of(file, row);
  try {
    check(spec);
  } catch (const Error&) {
    return std::nullopt;
  }
  return spec;
}

std::string names_of(const std::vector<ModelSpec>& specs) {
  std::vector<std::string> names;
  for (const ModelSpec& spec : specs) names.push_back(spec.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

ModelSpec guessed(const WeightsFile& file, const fs::path& path, std::vector<std::string>& notes) {
  const std::vector<ModelSpec> fitting = fitting_models(file);
  if (fitting.empty())
    fail_model(path.string(),
               ": holds weights but no structure, and no network of the zoo has these shapes; name the "
               "architecture with --model (a name, or a model file or .onnx of the same structure)");
  if (fitting.size() > 1)
    fail_model(path.string(),
               ": holds weights but no structure, and several networks have these shapes: ", names_of(fitting),
               "; choose one with --model");
  notes.push_back(
      text_of("the structure is taken to be ", fitting.front().name, ": the only one of the zoo that fits"));
  return fitting.front();
}

/// The named structure with the classes, the channels and the size that file and user ask for.
ModelSpec adjusted(ModelSpec spec, const WeightsFile& file, const OpenOptions& options) {
  spec = with_ends_of(file, std::move(spec));
  if (options.variant.classes) spec.classes = *options.variant.classes;
  if (options.size) {
    spec.input.height = options.size->height;
    spec.input.width = options.size->width;
  }
  check(spec);
  return spec;
}

void expect_channels(const std::vector<float>& list, const char* option, const ModelSpec& spec) {
  if (list.size() != static_cast<std::size_t>(spec.input.channels))
    fail_usage(option, ": expected ", spec.input.channels, " numbers with commas between, one for each channel, got ",
               list.size());
}

void set_preprocessing(OpenedModel& model, const OpenOptions& options) {
  const ModelSpec& spec = model.info.spec;
  Preprocessing& prepared = model.info.preprocessing;
  const auto channels = static_cast<std::size_t>(spec.input.channels);
  prepared.channels = spec.input.channels;
  prepared.height = spec.input.height;
  prepared.width = spec.input.width;
  prepared.mean = options.mean.empty() ? std::vector<float>(channels, 0) : options.mean;
  prepared.deviation = options.deviation.empty() ? std::vector<float>(channels, 1) : options.deviation;
  expect_channels(prepared.mean, "--mean", spec);
  expect_channels(prepared.deviation, "--std", spec);
  for (const float deviation : prepared.deviation)
    if (!(deviation > 0)) fail_usage("--std: expected numbers above 0, got ", deviation);
  model.preprocessing_known = !options.mean.empty() || !options.deviation.empty();
}

void set_class_numbers(OpenedModel& model) {
  for (int k = 0; k < model.info.spec.classes; ++k) model.info.classes.push_back(std::to_string(k));
  model.classes_known = false;
}

OpenedModel open_weights(const fs::path& path, const WeightsFile& file, const OpenOptions& options) {
  OpenedModel model;
  const ModelSpec named =
      options.model.empty() ? guessed(file, path, model.notes) : structure_of(options.model, options.variant);
  model.info.spec = adjusted(named, file, options);
  const Graph graph = with_context(path.string(), [&] { return forward_graph(model.info.spec, 1, Mode::inference); });
  MappedWeights mapped = expect_mapped(graph, file, HeadPolicy::exact, path.string());
  model.notes.push_back(text_of(file.format, ", ", describe(mapped.report)));
  if (!file.foreign.empty())
    model.notes.push_back(text_of(file.foreign.size(), " foreign Python objects were skipped, none was run: ",
                                  fmt::format("{}", fmt::join(file.foreign, ", "))));
  model.state = std::move(mapped.state);
  model.num_batches_tracked = mapped.num_batches_tracked;
  set_class_numbers(model);
  set_preprocessing(model, options);
  return model;
}

void refuse_options(const fs::path& path, const OpenOptions& options) {
  if (!options.model.empty() || !options.mean.empty() || !options.deviation.empty() || options.size)
    fail_usage(path.string(),
               ": is a model file with its own structure and preprocessing; --model, --mean, --std and "
               "--size are for files without");
}

}  // namespace

std::vector<ModelSpec> fitting_models(const WeightsFile& file) {
  std::vector<ModelSpec> fitting;
  for (const ModelSpec& row : models()) {
    const std::optional<ModelSpec> spec = row_for(row, file);
    WeightReport report;
    if (spec && map_weights(forward_graph(*spec, 1, Mode::inference), file, HeadPolicy::exact, report))
      fitting.push_back(*spec);
  }
  return fitting;
}

bool is_bare_weights(const fs::path& path) {
  return path.extension() != ".onnx" && (is_pytorch_file(path) || !read_safetensors(path).metadata.contains("spec"));
}

ModelSpec with_ends(ModelSpec spec, int classes, const ImageSize& input) {
  try {
    if (spec.family == Family::written_out && classes != spec.classes)
      spec.written = with_classes(std::move(spec.written), classes);
    spec.classes = classes;
    spec.input = input;
    check(spec);
    forward_graph(spec, 1, Mode::inference);
  } catch (const Error& error) {
    fail_usage(error.what());
  }
  return spec;
}

WeightsFile weights_of(const fs::path& path) {
  if (path.extension() == ".onnx") {
    onnx::ImportedNetwork network = onnx::import_network(path);
    WeightsFile file{.format = "ONNX", .tensors = {}};
    for (const WrittenOut::State& state : network.spec.written.states)
      file.tensors.push_back({state.name, network.state.at(state.name)});
    return file;
  }
  WeightsFile file = read_weights(path);
  std::erase_if(file.tensors, [](const NamedTensor& item) { return item.name.starts_with("optimizer/"); });
  return file;
}

ModelSpec structure_of(const std::string& text, const ModelOptions& variant) {
  if (!path_exists(text)) return find_model(text, variant);
  return open_model(text).info.spec;
}

/// Classes and preprocessing as this program's own exports have them.
void read_metadata(OpenedModel& model, const std::map<std::string, std::string>& metadata, const OpenOptions& options) {
  const auto classes = metadata.find("classes"), preprocessing = metadata.find("preprocessing");
  if (classes != metadata.end()) {
    const nlohmann::json names = nlohmann::json::parse(classes->second, nullptr, false);
    const auto is_text = [](const nlohmann::json& item) { return item.is_string(); };
    if (names.is_array() && std::ranges::all_of(names, is_text) &&
        names.size() == static_cast<std::size_t>(model.info.spec.classes)) {
      model.info.classes = names.get<std::vector<std::string>>();
      model.classes_known = true;
    }
  }
  if (preprocessing == metadata.end() || !options.mean.empty() || !options.deviation.empty()) return;
  const Preprocessing stored = preprocessing_from_json(preprocessing->second);
  const ImageSize& input = model.info.spec.input;
  if (ImageSize{stored.channels, stored.height, stored.width} != input) return;
  model.info.preprocessing = stored;
  model.preprocessing_known = true;
}

OpenedModel open_onnx(const fs::path& path, const OpenOptions& options) {
  if (!options.model.empty() && !options.where_needed)
    fail_usage(path.string(), ": has its own structure; --model is for files without");
  onnx::ImportedNetwork network = onnx::import_network(path, options.size);
  OpenedModel model;
  model.info.spec = std::move(network.spec);
  model.state = std::move(network.state);
  model.notes = std::move(network.notes);
  set_class_numbers(model);
  set_preprocessing(model, options);
  with_context(path.string(), [&] { read_metadata(model, network.metadata, options); });
  return model;
}

OpenedModel open_model(const fs::path& path, const OpenOptions& options) {
  if (path.extension() == ".onnx") return open_onnx(path, options);
  if (is_pytorch_file(path)) return open_weights(path, read_weights(path), options);
  TensorFile file = read_safetensors(path);
  if (!file.metadata.contains("spec")) return open_weights(path, weights_from(std::move(file)), options);
  if (!options.where_needed) refuse_options(path, options);
  ModelFile own = model_from(std::move(file), path.string());
  return {.info = std::move(own.info), .state = std::move(own.state), .num_batches_tracked = own.num_batches_tracked};
}

}  // namespace resnet
