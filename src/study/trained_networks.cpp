#include "study/trained_networks.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "train/config.hpp"
#include "train/evaluate.hpp"
#include "train/open_network.hpp"
#include "train/run.hpp"
#include "train/unchanged.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace resnet {
namespace {

struct DataSource {
  std::string name;
  DataOptions options;
};

DataSource data_source(const std::vector<std::string>& sources, const std::string& data) {
  if (!data.empty()) return {data, {}};
  const auto run = std::ranges::find_if(sources, [](const std::string& source) { return is_folder(source); });
  if (run == sources.end())
    fail_usage("--data: name the images; a model file does not say what it was trained with, as a run directory does");
  const RunDirectory directory = open_run(*run);
  const RunConfig config = config_from_toml(read_file(directory.config(), 1 << 20), directory.config().string());
  return {config.data, {.validation = config.validation, .split = directory.saved_split()}};
}

/// Of all weights, in the order of their names.
std::string hash_of(const State& state) {
  uint64_t hash = 0;
  for (const auto& [name, tensor] : state.tensors()) {
    const std::string_view bytes(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size());
    hash = stream_key(stream_key(hash, name), bytes);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');)
    if (!word.empty()) words.push_back(word);
  return words;
}

TrainedNetworks::TrainedNetworks(const std::vector<std::string>& sources, const std::string& data) {
  const DataSource source = data_source(sources, data);
  data_name_ = source.name;
  data_ = open_data(resolved_data(source.name), source.options);
  for (const std::string& word : sources) add(word);
}

void TrainedNetworks::add(const std::string& source) {
  OpenedModel model = open_network(source);
  if (!model.classes_known || !model.preprocessing_known)
    fail_model(source, ": does not say its ", model.classes_known ? "preprocessing" : "classes",
               "; `resnet convert` writes a file that does");
  matched_classes(data_.test->classes(), model.info.classes);
  const auto equal = std::ranges::count_if(
      list_, [&](const TrainedNetwork& known) { return known.info.spec.name == model.info.spec.name; });
  const std::string name = model.info.spec.name + (equal > 0 ? fmt::format(" ({})", equal + 1) : "");
  pins_.emplace_back("weights of " + source, hash_of(model.state));
  list_.push_back({name, source, std::move(model.info), std::move(model.state)});
}

std::shared_ptr<const Dataset> TrainedNetworks::some(const std::shared_ptr<const Dataset>& part, int64_t count) {
  if (count <= 0 || count >= part->size()) return part;
  std::vector<int64_t> indices = epoch_order(part->size(), stream_key(0, "some images"), 0);
  indices.resize(static_cast<std::size_t>(count));
  std::ranges::sort(indices);
  return subset(part, std::move(indices));
}

void TrainedNetworks::pin(StudyRun& run) const {
  if (!data_.note.empty()) log_info("{}", data_.note);
  for (const auto& [what, hash] : pins_) run.pin(what, hash);
  if (data_.train) run.pin("training images of " + data_name_, identity_of(*data_.train).hash);
  run.pin("images of " + data_name_, identity_of(*data_.test).hash);
  run.pin_kernels();
}

}  // namespace resnet
