// Which tensor belongs where: by name, by structure, and what is refused.
#include "formats/weight_mapping.hpp"

#include "formats/format_test.hpp"
#include "formats/open_model.hpp"
#include "models/model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace resnet {
namespace {

Graph graph_of(const char* model, std::optional<int> classes = {}) {
  return forward_graph(find_model(model, {.classes = classes}), 1, Mode::inference);
}

/// The network's state as a file would hold it, in the graph's order.
WeightsFile file_of(const Graph& graph, const std::function<std::string(std::string)>& rename) {
  State state;
  initialise(state, graph, 1);
  WeightsFile file{.format = "test", .tensors = {}};
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic)
      file.tensors.push_back({rename(value.name), state.at(value.name)});
  return file;
}

WeightReport report_of(const Graph& graph, const WeightsFile& file, HeadPolicy policy = HeadPolicy::exact) {
  return expect_mapped(graph, file, policy, "file").report;
}

TEST(WeightMapping, KnowsNamesBehindWrappersAndOtherWordsForTheHead) {
  const Graph graph = graph_of("resnet8");
  const auto rename = [](const std::string& name) {
    return text_of("module._orig_mod.", name.starts_with("fc.") ? "linear" : "",
                   name.substr(name.starts_with("fc.") ? 2 : 0));
  };
  WeightsFile file = file_of(graph, rename);
  std::ranges::reverse(file.tensors);  // names decide, not the order
  EXPECT_EQ(report_of(graph, file).how, "by name");
}

TEST(WeightMapping, TakesTheOrderWhereNamesAreUnknown) {
  const Graph graph = graph_of("resnet8");
  int number = 0;
  WeightsFile file = file_of(graph, [&](const std::string&) { return text_of("w", number++); });
  EXPECT_EQ(report_of(graph, file).how, "by structure");
  std::swap(file.tensors[0], file.tensors[1]);
  const Error error = error_of([&] { report_of(graph, file); });
  EXPECT_EQ(error.code(), ExitCode::bad_model);
  EXPECT_NE(std::string(error.what()).find("2 of another shape: conv1.weight: expected [16x3x3x3], got w1 [16]"),
            std::string::npos)
      << error.what();
}

TEST(WeightMapping, MakesANewHeadOnlyOnRequest) {
  const Graph graph = graph_of("resnet8", 4);
  const WeightsFile file = file_of(graph_of("resnet8"), [](const std::string& name) { return name; });
  const MappedWeights mapped = expect_mapped(graph, file, HeadPolicy::remake, "file");
  EXPECT_TRUE(mapped.report.new_head);
  EXPECT_TRUE(mapped.state.contains("conv1.weight"));
  EXPECT_FALSE(mapped.state.contains("fc.weight"));
  EXPECT_FALSE(mapped.state.contains("fc.bias"));
  EXPECT_EQ(error_of([&] { report_of(graph, file); }).code(), ExitCode::bad_model);
}

TEST(WeightMapping, LeavesNothingOver) {
  const Graph graph = graph_of("resnet8");
  WeightsFile file = file_of(graph, [](const std::string& name) { return name; });
  file.tensors.push_back({"extra", Tensor(Shape{3})});
  EXPECT_NE(std::string(error_of([&] { report_of(graph, file); }).what()).find("1 unexpected: extra"),
            std::string::npos);
  file.tensors.pop_back();
  file.tensors.erase(file.tensors.begin());
  EXPECT_NE(std::string(error_of([&] { report_of(graph, file); }).what()).find("1 missing: conv1.weight"),
            std::string::npos);
}

TEST(WeightMapping, FindsTheOnlyModelThatFits) {
  const auto same = [](const std::string& name) { return name; };
  std::vector<std::string> names;
  for (const ModelSpec& spec : fitting_models(file_of(graph_of("resnet20"), same))) names.push_back(spec.name);
  EXPECT_EQ(names, (std::vector<std::string>{"resnet20", "plain20"}));
  names.clear();
  for (const ModelSpec& spec : fitting_models(file_of(graph_of("resnet18", 7), same))) names.push_back(spec.name);
  EXPECT_EQ(names, std::vector<std::string>{"resnet18"});
}

// Libraries that write safetensors sort them, so that the head or the stem may stand anywhere.
TEST(WeightMapping, FindsTheModelWhateverTheOrder) {
  for (const char* name : {"resnet18", "densenet121", "resnetv2_50"}) {
    const Graph graph =
        forward_graph(find_model(name, {.classes = 7, .input = ImageSize{1, 64, 64}}), 1, Mode::inference);
    WeightsFile file = file_of(graph, [](const std::string& tensor) { return tensor; });
    std::ranges::sort(file.tensors, {}, &NamedTensor::name);
    const std::vector<ModelSpec> fitting = fitting_models(file);
    ASSERT_EQ(fitting.size(), 1u) << name;
    EXPECT_EQ(fitting[0].name, name);
    EXPECT_EQ(fitting[0].classes, 7) << name;
    EXPECT_EQ(fitting[0].input.channels, 1) << name;
  }
}

}  // namespace
}  // namespace resnet
