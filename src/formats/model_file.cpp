#include "formats/model_file.hpp"

#include "base/error.hpp"
#include "models/excerpt.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <list>
#include <set>
#include <utility>

namespace resnet {
namespace {

constexpr std::string_view optimizer_prefix = "optimizer/";
constexpr std::string_view tracked_suffix = ".num_batches_tracked";
constexpr std::string_view running_mean_suffix = ".running_mean";

/// The keys this file's own metadata use; "format" is what other tools ask for ("pt": made for PyTorch).
const std::set<std::string, std::less<>> own_keys = {"format", "spec", "classes", "preprocessing"};

/// Error (bad model): the parts contradict each other.
void check_info(const ModelInfo& info) {
  check(info.spec);
  const ImageSize& input = info.spec.input;
  const Preprocessing& prepared = info.preprocessing;
  if (static_cast<int64_t>(info.classes.size()) != info.spec.classes)
    fail_model("a network of ", info.spec.classes, " classes with ", info.classes.size(), " class names");
  if (ImageSize{prepared.channels, prepared.height, prepared.width} != input)
    fail_model("a network for ", input.channels, "x", input.height, "x", input.width, " images with preprocessing for ",
               prepared.channels, "x", prepared.height, "x", prepared.width);
}

std::map<std::string, std::string> metadata_of(const ModelInfo& info) {
  const nlohmann::json classes = info.classes;
  return {{"format", "pt"},
          {"spec", to_json_text(info.spec)},
          {"classes", classes.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)},
          {"preprocessing", to_json_text(info.preprocessing)}};
}

std::vector<std::string> classes_from_json(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  const auto is_string = [](const nlohmann::json& item) { return item.is_string(); };
  if (!json.is_array() || !std::ranges::all_of(json, is_string)) fail_model("classes: expected a JSON list of strings");
  return json.get<std::vector<std::string>>();
}

ModelInfo info_from(const std::map<std::string, std::string>& metadata) {
  const auto text = [&](const std::string& key) -> const std::string& {
    const auto found = metadata.find(key);
    if (found == metadata.end())
      fail_model("its metadata have no '", key, "': not a model file of this program, only weights");
    return found->second;
  };
  ModelInfo info{spec_from_json(text("spec")), classes_from_json(text("classes")),
                 preprocessing_from_json(text("preprocessing"))};
  check_info(info);
  return info;
}

/// For each batch norm among the tensors its counter, all the same number.
void add_counters(TensorReferences& tensors, Tensor& counter, int64_t count) {
  counter = Tensor(Shape{}, DType::i64);
  counter.data<int64_t>()[0] = count;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors)
    if (name.ends_with(running_mean_suffix) && !name.starts_with(optimizer_prefix))
      names.push_back(name.substr(0, name.size() - running_mean_suffix.size()) + std::string(tracked_suffix));
  for (const std::string& name : names) tensors[name] = &counter;
}

/// Takes the counters out of the tensors. They are equal in our own files; of others' the largest is taken.
int64_t take_counters(std::map<std::string, Tensor>& tensors) {
  int64_t count = 0;
  std::erase_if(tensors, [&](const auto& item) {
    const auto& [name, tensor] = item;
    if (!name.ends_with(tracked_suffix)) return false;
    if (tensor.dtype() != DType::i64 || tensor.elements() != 1 || tensor.template data<int64_t>()[0] < 0)
      fail_model("'", excerpt(name), "' is not one i64 number of at least 0");
    count = std::max(count, tensor.template data<int64_t>()[0]);
    return true;
  });
  return count;
}

/// What both kinds of file have in common, taken apart. Error (bad model), naming the file.
Checkpoint taken_apart(TensorFile file, const std::string& where) {
  Checkpoint result;
  with_context(where, [&] {
    result.info = info_from(file.metadata);
    result.num_batches_tracked = take_counters(file.tensors);
  });
  for (auto& [name, tensor] : file.tensors) result.state.set(name, std::move(tensor));
  for (auto& [key, value] : file.metadata)
    if (!own_keys.contains(key)) result.extra[key] = std::move(value);
  expect_match(forward_graph(result.info.spec, 1, Mode::inference), result.state, where);
  return result;
}

std::string listed(const char* what, const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  if (names.empty()) return {};
  std::string text = text_of("; ", names.size(), " ", what, ": ");
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) text += (i ? ", " : "") + excerpt(names[i], 120);
  return names.size() > shown ? text + ", ..." : text;
}

}  // namespace

void save_model(const fs::path& path, const ModelInfo& info, const State& state, int64_t num_batches_tracked) {
  with_context(path.string(), [&] { check_info(info); });
  TensorReferences tensors;
  std::list<Tensor> converted;
  const Graph graph = forward_graph(info.spec, 1, Mode::inference);
  for (const ValueInfo& value : graph.values()) {
    if (value.kind != ValueKind::parameter && value.kind != ValueKind::statistic) continue;
    const Tensor& tensor = state.at(value.name);
    tensors[value.name] = tensor.dtype() == DType::f32 ? &tensor : &converted.emplace_back(convert(tensor, DType::f32));
  }
  Tensor counter;
  add_counters(tensors, counter, num_batches_tracked);
  write_safetensors(path, tensors, metadata_of(info));
}

ModelFile load_model(const fs::path& path, const ReadLimits& limits) {
  return model_from(read_safetensors(path, limits), path.string());
}

ModelFile model_from(TensorFile file, const std::string& where) {
  std::erase_if(file.tensors, [](const auto& item) { return item.first.starts_with(optimizer_prefix); });
  for (auto& [name, tensor] : file.tensors)
    if (tensor.dtype() != DType::f32 && !name.ends_with(tracked_suffix)) tensor = convert(tensor, DType::f32);
  Checkpoint model = taken_apart(std::move(file), where);
  return {std::move(model.info), std::move(model.state), model.num_batches_tracked};
}

void save_checkpoint(const fs::path& path, const ModelInfo& info, const State& state, int64_t num_batches_tracked,
                     const std::map<std::string, std::string>& extra) {
  with_context(path.string(), [&] { check_info(info); });
  TensorReferences tensors;
  for (const auto& [name, tensor] : state.tensors()) tensors[name] = &tensor;
  Tensor counter;
  add_counters(tensors, counter, num_batches_tracked);
  std::map<std::string, std::string> metadata = metadata_of(info);
  for (const auto& [key, value] : extra)
    if (!metadata.emplace(key, value).second)
      fail(path.string(), ": '", excerpt(key), "' is a key of the model file itself");
  write_safetensors(path, tensors, metadata);
}

void save_checkpoint(const fs::path& path, const Checkpoint& checkpoint) {
  save_checkpoint(path, checkpoint.info, checkpoint.state, checkpoint.num_batches_tracked, checkpoint.extra);
}

Checkpoint load_checkpoint(const fs::path& path, const ReadLimits& limits) {
  return taken_apart(read_safetensors(path, limits), path.string());
}

StateMatch match(const Graph& graph, const State& state) {
  StateMatch result;
  std::set<std::string, std::less<>> expected;
  bool momenta = false;
  for (const ValueInfo& value : graph.values()) {
    if (value.kind == ValueKind::computed || value.kind == ValueKind::input) continue;
    momenta = momenta || value.kind == ValueKind::momentum;
    expected.insert(value.name);
    if (!state.contains(value.name))
      result.missing.push_back(value.name);
    else if (const Tensor& tensor = state.at(value.name); tensor.shape() != value.shape)
      result.reshaped.push_back(text_of(value.name, ": expected ", value.shape, ", got ", tensor.shape()));
  }
  for (const auto& [name, tensor] : state.tensors())
    if (!expected.contains(name) && (momenta || !name.starts_with(optimizer_prefix))) result.unexpected.push_back(name);
  return result;
}

void expect_match(const Graph& graph, const State& state, const std::string& where) {
  const StateMatch found = match(graph, state);
  if (!found.exact())
    fail_model(where, ": its tensors do not fit the network", listed("missing", found.missing),
               listed("unexpected", found.unexpected), listed("of another shape", found.reshaped));
}

}  // namespace resnet
