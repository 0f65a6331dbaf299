#include "study/flow_models.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "formats/model_file.hpp"
#include "train/run.hpp"
#include "train/training_program.hpp"
#include "train/unchanged.hpp"

#include <fmt/format.h>

#include <sstream>

namespace resnet {
namespace {

constexpr uint64_t largest_file = uint64_t{16} << 30;

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');)
    if (!word.empty()) words.push_back(word);
  return words;
}

/// What `open` returns; a refusal names the option that asked for it.
template <class Open>
auto named(const char* option, const Open& open) {
  try {
    return open();
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage) throw;
    fail_usage(option, ": ", error.what());
  }
}

DataSplit open_training_data(const ModelFlowSetting& setting) {
  for (const std::string& name : words_of(setting.models))  // before the data, which may take long
    named("--model", [&] { return find_model(name); });
  DataSplit data = named("--data", [&] { return open_data(resolved_data(setting.data)); });
  if (!data.train) fail_data(setting.data, ": has no training images");
  if (setting.batch > data.train->size())
    fail_usage("--batch: ", setting.batch, " images are more than the ", data.train->size(), " for training");
  return data;
}

Paths paths_of(const WatchedGraph& watched) {
  if (!watched.blocks.empty()) return Paths::residual;
  return watched.joined.empty() ? Paths::plain : Paths::dense;
}

FlowGroup group_of(const ModelSpec& spec, int64_t batch, const std::string& from) {
  constexpr const char* names[] = {"plain", "residual", "dense"};
  const WatchedGraph watched = watch(loss_graph(spec, batch, Mode::training));
  if (watched.layers.size() < 2)
    fail_usage("--model, --weights: ", spec.name, " has fewer than two layers; there is no way between them to study");
  const Paths paths = paths_of(watched);
  const auto layers = static_cast<int64_t>(watched.layers.size());
  const bool norm = std::ranges::any_of(watched.graph.nodes(),
                                        [](const Node& node) { return std::holds_alternative<BatchNorm>(node.op); });
  return {.name = spec.name + " " + (from.empty() ? "at initialisation" : "from " + from),
          .kind = text_of(names[static_cast<std::size_t>(paths)], from.empty() ? ", at initialisation" : ", trained"),
          .depth = layers,
          .layers = layers,
          .examples = batch,
          .paths = paths,
          .norm = norm,
          .samples = {}};
}

}  // namespace

ModelFlow::ModelFlow(const ModelFlowSetting& setting) : setting_(setting), data_(open_training_data(setting)) {
  const Preprocessing& image = data_.preprocessing;
  const ModelOptions options{.classes = static_cast<int>(data_.train->classes().size()),
                             .input = ImageSize{image.channels, image.height, image.width}};
  for (const std::string& name : words_of(setting_.models))
    add_initial(named("--model", [&] { return find_model(name, options); }));
  for (const std::string& path : words_of(setting_.weights)) add_checkpoint(path);
}

void ModelFlow::add_initial(const ModelSpec& spec) {
  subjects_.push_back(
      {.group = group_of(spec, setting_.batch, ""), .spec = spec, .preprocessing = data_.preprocessing});
}

void ModelFlow::add_checkpoint(const std::string& path) {
  const fs::path file = is_folder(path) ? open_run(path).model() : fs::path(path);
  ModelFile model = load_model(file);
  pins_.emplace_back("weights " + path, fmt::format("{:016x}", stream_key(0, read_file(file, largest_file))));
  if (model.info.classes != data_.train->classes())
    fail_data(path, ": was trained on other classes than ", data_.name, " has; name its data with --data");
  const auto same = [&](const FlowSubject& known) { return !known.trained && known.spec == model.info.spec; };
  if (std::ranges::none_of(subjects_, same)) add_initial(model.info.spec);
  subjects_.push_back({.group = group_of(model.info.spec, setting_.batch, path),
                       .spec = model.info.spec,
                       .preprocessing = model.info.preprocessing,
                       .weights = std::move(model.state),
                       .trained = true});
}

FlowSample ModelFlow::trial(StudyRun& run, const FlowSubject& subject, int64_t trial, FlowDetail detail) const {
  Loader loader(data_.train, subject.preprocessing,
                {.batch = setting_.batch,
                 .augmentation = {.pad = 0, .flip = false},
                 .drop_last = true,
                 .seed = run.seed(),
                 .prefetch = 1});
  loader.restart(trial / loader.steps_per_epoch(), trial % loader.steps_per_epoch());
  const Graph graph = loss_graph(subject.spec, setting_.batch, Mode::training);
  State state = subject.weights;
  initialise(state, graph, stream_key(run.seed(), "flow", {static_cast<uint64_t>(trial)}));
  WatchedNetwork network(graph, "loss", state, {.threads = run.pool()});
  const Batch& batch = loader.next();
  network.program().set_input("images", batch.images);
  network.program().set_input("labels", batch.labels);
  if (graph.find("random_key")) network.program().set_input("random_key", Tensor(Shape{1}, DType::i64));
  network.program().run();
  return sample_of(network, detail);
}

std::vector<FlowGroup> ModelFlow::run(StudyRun& run, FlowDetail detail) const {
  if (!data_.note.empty()) log_info("{}", data_.note);
  for (const auto& [what, hash] : pins_) run.pin(what, hash);
  run.pin("images of " + setting_.data, identity_of(*data_.train).hash);
  run.pin_kernels();  // convolutions of another instruction set round differently
  std::vector<FlowGroup> groups;
  for (const FlowSubject& subject : subjects_) {
    std::vector<std::string> keys;
    const std::string& name = subject.group.name;
    for (int64_t index = 0; index < setting_.trials; ++index) keys.push_back(fmt::format("{}/{}", name, index));
    const PieceKind kind{.label = name, .unit = "batches", .one_by_one = true};
    groups.push_back(subject.group);
    for (const Json& sample : run.pieces(kind, keys, [&](std::size_t index) {
           return to_json(trial(run, subject, static_cast<int64_t>(index), detail));
         }))
      groups.back().samples.push_back(flow_sample_from(sample));
  }
  return groups;
}

}  // namespace resnet
