#include "formats/weight_mapping.hpp"

#include "base/error.hpp"
#include "models/excerpt.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace resnet {
namespace {

constexpr std::string_view tracked_suffix = "num_batches_tracked";

/// Without trailing extents of 1 beyond the second: [1000x2048x1x1] is [1000x2048].
Shape essential(const Shape& shape) {
  int rank = shape.rank();
  while (rank > 1 && shape[rank - 1] == 1) --rank;
  Shape result;
  for (int axis = 0; axis < rank; ++axis) result.append(shape[axis]);
  return result;
}

bool fits(const Shape& expected, const Shape& got) { return essential(expected) == essential(got); }

/// A copy in f32 and in the network's shape.
Tensor adopted(const Tensor& tensor, const Shape& shape) {
  const Tensor source = tensor.dtype() == DType::f32 ? tensor : convert(tensor, DType::f32);
  Tensor result(shape);
  std::ranges::copy(source.data<float>(), result.data<float>().begin());
  return result;
}

/// The state values of the graph, in order of creation.
std::vector<const ValueInfo*> state_values(const Graph& graph) {
  std::vector<const ValueInfo*> values;
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic) values.push_back(&value);
  return values;
}

struct Candidates {
  std::vector<const NamedTensor*> tensors;  // floating ones, counters left out
  std::map<std::string, const NamedTensor*> by_name;
  int64_t num_batches_tracked = 0;
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

Candidates candidates(const WeightsFile& file) {
  Candidates result;
  for (const NamedTensor& item : file.tensors) {
    if (item.name.ends_with(tracked_suffix)) {
      if (item.tensor.dtype() == DType::i64 && item.tensor.elements() == 1)
        result.num_batches_tracked = std::max(result.num_batches_tracked, item.tensor.data<int64_t>()[0]);
    } else if (is_floating(item.tensor.dtype())) {
      result.tensors.push_back(&item);
      result.by_name[replaced(without_wrappers(item.name), ".shortcut.", ".downsample.")] = &item;
    }
  }
  return result;
}

/// The file's names for the head become the network's: "linear.weight" is "fc.weight".
void rename_head(Candidates& file, const std::vector<std::string>& head) {
  if (head.empty()) return;
  const std::string own = head.front().substr(0, head.front().rfind('.'));
  if (file.by_name.contains(head.front())) return;
  for (const std::string word : {"fc", "linear", "classifier", "head.fc", "head", "output"})
    if (file.by_name.contains(word + ".weight") && word != own) {
      for (const char* part : {".weight", ".bias"})
        if (auto found = file.by_name.extract(word + part)) {
          found.key() = own + part;
          file.by_name.insert(std::move(found));
        }
      return;
    }
}

using Pairing = std::vector<std::pair<const ValueInfo*, const NamedTensor*>>;

Pairing pair_by_name(const std::vector<const ValueInfo*>& values, const Candidates& file, WeightReport& report) {
  Pairing pairs;
  std::set<std::string> expected;
  for (const ValueInfo* value : values) {
    expected.insert(value->name);
    const auto found = file.by_name.find(value->name);
    if (found == file.by_name.end())
      report.missing.push_back(value->name);
    else if (const Shape& shape = found->second->tensor.shape(); !fits(value->shape, shape))
      report.reshaped.push_back(text_of(value->name, ": expected ", value->shape, ", got ", shape));
    else
      pairs.emplace_back(value, found->second);
  }
  for (const auto& [name, item] : file.by_name)
    if (!expected.contains(name)) report.unexpected.push_back(item->name);
  return pairs;
}

/// One after the other. Files keep a batch norm's statistics behind its parameters, as graphs do.
Pairing pair_by_order(const std::vector<const ValueInfo*>& values, const Candidates& file, WeightReport& report) {
  Pairing pairs;
  const std::size_t common = std::min(values.size(), file.tensors.size());
  for (std::size_t i = 0; i < common; ++i) {
    const Shape& shape = file.tensors[i]->tensor.shape();
    if (fits(values[i]->shape, shape))
      pairs.emplace_back(values[i], file.tensors[i]);
    else
      report.reshaped.push_back(text_of(values[i]->name, ": expected ", values[i]->shape, ", got ",
                                        excerpt(file.tensors[i]->name), " ", shape));
  }
  for (std::size_t i = common; i < values.size(); ++i) report.missing.push_back(values[i]->name);
  for (std::size_t i = common; i < file.tensors.size(); ++i) report.unexpected.push_back(file.tensors[i]->name);
  return pairs;
}

/// Whether all that does not fit is the head's other number of classes.
bool only_head_differs(const WeightReport& report, const std::vector<std::string>& head) {
  const auto in_head = [&](const std::string& line) {
    return std::ranges::any_of(head, [&](const std::string& name) { return line.starts_with(name + ":"); });
  };
  return report.missing.empty() && report.unexpected.empty() && std::ranges::all_of(report.reshaped, in_head);
}

std::string listed(std::string_view what, const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  if (names.empty()) return {};
  std::string text = text_of("; ", names.size(), " ", what, ": ");
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) text += (i ? ", " : "") + excerpt(names[i], 120);
  return names.size() > shown ? text + ", ..." : text;
}

MappedWeights mapped(const Pairing& pairs, const std::vector<std::string>& head, int64_t tracked, WeightReport report) {
  MappedWeights result{.state = {}, .num_batches_tracked = tracked, .report = std::move(report)};
  result.report.new_head = !result.report.reshaped.empty();
  for (const auto& [value, item] : pairs)
    if (!result.report.new_head || std::ranges::find(head, value->name) == head.end())
      result.state.set(value->name, adopted(item->tensor, value->shape));
  return result;
}

}  // namespace

std::string describe(const WeightReport& report) {
  return text_of(report.matched, " tensors matched ", report.how, listed("missing", report.missing),
                 listed("unexpected", report.unexpected), listed("of another shape", report.reshaped),
                 report.new_head ? "; the head starts anew, for other classes" : "");
}

std::vector<std::string> head_parameters(const Graph& graph) {
  const std::optional<Value> logits = graph.find("logits");
  for (Value at = logits.value_or(Value{}); at && graph[at].producer >= 0;) {
    const Node& node = graph.nodes()[static_cast<std::size_t>(graph[at].producer)];
    std::vector<std::string> names;
    for (const Value input : node.inputs)
      if (graph[input].kind == ValueKind::parameter) names.push_back(graph[input].name);
    if (!names.empty()) return names;
    at = node.inputs.empty() ? Value{} : node.inputs.front();
  }
  return {};
}

NetworkEnds ends_by_name(const Graph& graph, const WeightsFile& file) {
  const std::vector<std::string> head = head_parameters(graph);
  Candidates found = candidates(file);
  rename_head(found, head);
  const auto extent = [&](const std::string& name, int axis) -> std::optional<int64_t> {
    const auto item = found.by_name.find(name);
    if (item == found.by_name.end() || item->second->tensor.shape().rank() <= axis) return std::nullopt;
    return item->second->tensor.shape()[axis];
  };
  NetworkEnds ends;
  if (!head.empty()) ends.classes = extent(head.front(), 0);
  const auto stem = std::ranges::find_if(graph.values(), [](const ValueInfo& value) {
    return value.kind == ValueKind::parameter && value.shape.rank() == 4;
  });
  if (stem != graph.values().end()) ends.channels = extent(stem->name, 1);
  return ends;
}

std::optional<MappedWeights> map_weights(const Graph& graph, const WeightsFile& file, HeadPolicy policy,
                                         WeightReport& report) {
  const std::vector<const ValueInfo*> values = state_values(graph);
  const std::vector<std::string> head = head_parameters(graph);
  Candidates found = candidates(file);
  rename_head(found, head);
  const auto try_pairing = [&](const char* how, auto pair) -> std::optional<MappedWeights> {
    report = {.how = how, .missing = {}, .unexpected = {}, .reshaped = {}};
    const Pairing pairs = pair(values, found, report);
    report.matched = static_cast<int64_t>(pairs.size());
    const bool exact = report.missing.empty() && report.unexpected.empty() && report.reshaped.empty();
    if (!exact && (policy == HeadPolicy::exact || !only_head_differs(report, head))) return std::nullopt;
    return mapped(pairs, head, found.num_batches_tracked, report);
  };
  if (auto result = try_pairing("by name", pair_by_name)) return result;
  const WeightReport by_name = report;
  if (auto result = try_pairing("by structure", pair_by_order)) return result;
  if (by_name.matched > 0) report = by_name;
  return std::nullopt;
}

MappedWeights expect_mapped(const Graph& graph, const WeightsFile& file, HeadPolicy policy, const std::string& where) {
  WeightReport report;
  if (auto result = map_weights(graph, file, policy, report)) return std::move(*result);
  fail_model(where, ": its tensors do not fit the network: ", describe(report));
}

}  // namespace resnet
