#include "study/flow_models.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
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

/// One network to measure.
struct Subject {
  std::string name;  // "resnet56", "resnet56 from runs/..."
  ModelSpec spec;
  Preprocessing preprocessing;
  State weights = {};  // empty: drawn anew for each trial
  bool trained = false;
};

Subject at_initialisation(ModelSpec spec, const DataSplit& data) {
  return {.name = spec.name + " at initialisation", .spec = std::move(spec), .preprocessing = data.preprocessing};
}

Subject from_checkpoint(StudyRun& run, const std::string& path, const DataSplit& data) {
  const fs::path file = is_folder(path) ? open_run(path).model() : fs::path(path);
  ModelFile model = load_model(file);
  run.pin("weights " + path, fmt::format("{:016x}", stream_key(0, read_file(file, largest_file))));
  if (model.info.classes != data.train->classes())
    fail_data(path, ": was trained on other classes than ", data.name, " has; name its data with --data");
  return {.name = model.info.spec.name + " from " + path,
          .spec = model.info.spec,
          .preprocessing = model.info.preprocessing,
          .weights = std::move(model.state),
          .trained = true};
}

std::vector<Subject> subjects_of(StudyRun& run, const ModelFlowSetting& setting, const DataSplit& data) {
  const Preprocessing& image = data.preprocessing;
  const ModelOptions options{.classes = static_cast<int>(data.train->classes().size()),
                             .input = ImageSize{image.channels, image.height, image.width}};
  std::vector<Subject> subjects;
  for (const std::string& name : words_of(setting.models))
    subjects.push_back(at_initialisation(find_model(name, options), data));
  for (const std::string& path : words_of(setting.weights)) {
    Subject trained = from_checkpoint(run, path, data);
    const auto same = [&](const Subject& known) { return !known.trained && known.spec == trained.spec; };
    if (std::ranges::none_of(subjects, same)) subjects.push_back(at_initialisation(trained.spec, data));
    subjects.push_back(std::move(trained));
  }
  return subjects;
}

DataSplit open_training_data(StudyRun& run, const ModelFlowSetting& setting) {
  DataSplit data = open_data(setting.data, {.threads = run.pool()->threads()});
  if (!data.note.empty()) log_info("{}", data.note);
  if (!data.train) fail_data(setting.data, ": has no training images");
  if (setting.batch > data.train->size())
    fail_usage("batch: ", setting.batch, " images are more than the ", data.train->size(), " for training");
  run.pin("images of " + setting.data, identity_of(*data.train).hash);
  run.pin_kernels();  // convolutions of another instruction set round differently
  return data;
}

FlowSample run_trial(StudyRun& run, const Subject& subject, const DataSplit& data, const ModelFlowSetting& setting,
                     int64_t trial, FlowDetail detail) {
  Loader loader(data.train, subject.preprocessing,
                {.batch = setting.batch,
                 .augmentation = {.pad = 0, .flip = false},
                 .drop_last = true,
                 .seed = run.seed(),
                 .prefetch = 1});
  loader.restart(trial / loader.steps_per_epoch(), trial % loader.steps_per_epoch());
  const Graph graph = loss_graph(subject.spec, setting.batch, Mode::training);
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

FlowGroup group_of(const Subject& subject, const ModelFlowSetting& setting) {
  const int64_t layers = weight_layers(subject.spec);
  return {.name = subject.name,
          .kind = fmt::format("{}, {}", subject.spec.residual() ? "residual" : "plain",
                              subject.trained ? "from a checkpoint" : "at initialisation"),
          .depth = layers,
          .layers = layers,
          .examples = setting.batch,
          .residual = subject.spec.residual(),
          .norm = subject.spec.family != Family::fully_connected,
          .samples = {}};
}

}  // namespace

std::vector<FlowGroup> model_flow_trials(StudyRun& run, const ModelFlowSetting& setting, FlowDetail detail) {
  const DataSplit data = open_training_data(run, setting);
  std::vector<FlowGroup> groups;
  for (const Subject& subject : subjects_of(run, setting, data)) {
    std::vector<std::string> keys;
    for (int64_t trial = 0; trial < setting.trials; ++trial) keys.push_back(fmt::format("{}/{}", subject.name, trial));
    const PieceKind kind{.label = subject.name, .unit = "batches", .one_by_one = true};
    groups.push_back(group_of(subject, setting));
    for (const Json& sample : run.pieces(kind, keys, [&](std::size_t trial) {
           return to_json(run_trial(run, subject, data, setting, static_cast<int64_t>(trial), detail));
         }))
      groups.back().samples.push_back(flow_sample_from(sample));
  }
  return groups;
}

}  // namespace resnet
