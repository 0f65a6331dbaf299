// Names, shapes, counts and logits against PyTorch's: golden/golden.json holds what golden/make_golden.py found.
#include "base/files.hpp"
#include "graph/passes.hpp"
#include "models/cost.hpp"
#include "runtime/executable.hpp"
#include "support/hashed.hpp"
#include "support/places.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace resnet {
namespace {

nlohmann::json fixture() {
  return nlohmann::json::parse(read_file(test::tests_folder() / "models" / "golden" / "golden.json", 1 << 20));
}

/// Sorted lines such as "conv1.weight 64x3x7x7", the inverse of make_golden.py's.
std::vector<std::string> tensor_lines(const Graph& graph) {
  std::vector<std::string> lines;
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic)
      lines.push_back(fmt::format("{} {}", value.name, fmt::join(value.shape.begin(), value.shape.end(), "x")));
  std::ranges::sort(lines);
  return lines;
}

TEST(ModelGolden, TensorsAndCountsAreThoseOfTorchvisionAndTimm) {
  const nlohmann::json golden = fixture();
  EXPECT_EQ(golden.size(), 23u);
  for (const auto& [name, expected] : golden.items()) {
    const ModelSpec spec = find_model(name);
    const std::vector<std::string> lines = tensor_lines(forward_graph(spec, 1, Mode::training));
    EXPECT_EQ(lines.size(), expected.at("tensors").get<std::size_t>()) << name;
    EXPECT_EQ(fmt::format("{:016x}", test::digest(fmt::format("{}", fmt::join(lines, "\n")))), expected.at("digest"))
        << name << ":\n"
        << fmt::format("{}", fmt::join(lines, "\n"));
    const NetworkCost cost = network_cost(spec);
    EXPECT_EQ(cost.parameters, expected.at("parameters").get<int64_t>()) << name;
    EXPECT_EQ(cost.macs, expected.at("macs").get<int64_t>()) << name;
  }
}

/// make_golden.py's value_of(): weights of variance 1 by fan-in, scales and variances around 1, shifts and means around
/// 0.
Tensor hashed_value(const ValueInfo& value) {
  const std::vector<double> u = test::hashed(value.name, value.shape.elements());
  const double bound = std::sqrt(3 / static_cast<double>(value.shape.elements() / value.shape[0]));
  const bool variance = value.name.ends_with("running_var"), scale = value.name.ends_with("weight");
  Tensor tensor(value.shape);
  std::ranges::transform(u, tensor.data<float>().begin(), [&](double x) {
    if (value.shape.rank() > 1) return static_cast<float>(x * bound);
    return static_cast<float>(variance ? 1 + 0.5 * x : 0.1 * x + (scale ? 1 : 0));
  });
  return tensor;
}

Tensor hashed_images(int64_t count, int side) {
  const Shape shape{count, 3, side, side};
  Tensor images(shape);
  std::ranges::transform(test::hashed("images." + std::to_string(side), shape.elements()), images.data<float>().begin(),
                         [](double x) { return static_cast<float>(x); });
  return images;
}

/// The logits of inference as `eval` runs it, with batch norm folded, or of the graph as it was written.
std::vector<float> logits_of(const ModelSpec& spec, const Tensor& images, bool folded) {
  Graph graph = forward_graph(spec, images.shape().n(), Mode::inference);
  Parameters parameters;
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic)
      parameters.emplace(value.name, hashed_value(value));
  if (folded) std::tie(graph, parameters) = fold_batch_norm(graph, parameters);
  State state;
  for (auto& [name, tensor] : parameters) state.set(name, std::move(tensor));
  const auto program = compile(folded ? fuse(graph) : graph, state, {.threads = std::make_shared<ThreadPool>(2)});
  program->set_input("images", images);
  program->run();
  const Tensor logits = program->output("logits");
  return {logits.data<float>().begin(), logits.data<float>().end()};
}

double relative_distance(const std::vector<float>& got, const std::vector<double>& expected) {
  EXPECT_EQ(got.size(), expected.size());
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
    error += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(error / norm);
}

void expect_logits(const std::string& name, int side, bool folded) {
  std::vector<double> expected;
  const auto rows = fixture().at(name).at("logits").at(std::to_string(side)).get<std::vector<std::vector<double>>>();
  for (const auto& row : rows) expected.insert(expected.end(), row.begin(), row.end());
  const ModelSpec spec = find_model(name, {.classes = 10, .input = ImageSize{3, side, side}});
  const Tensor images = hashed_images(static_cast<int64_t>(rows.size()), side);
  EXPECT_LT(relative_distance(logits_of(spec, images, folded), expected), 1e-4) << name << (folded ? ", folded" : "");
}

class Logits : public testing::TestWithParam<const char*> {};
class LogitsSlow : public Logits {};

TEST_P(Logits, EqualPyTorchsOnSmallImages) { expect_logits(GetParam(), 64, true); }
TEST_P(LogitsSlow, EqualPyTorchsOnSmallImagesWithoutFolding) { expect_logits(GetParam(), 64, false); }
TEST_P(LogitsSlow, EqualPyTorchsAtFullSize) { expect_logits(GetParam(), 224, true); }

constexpr const char* compared[] = {"resnet18",  "resnet50",   "resnext50_32x4d", "densenet121",
                                    "resnet50d", "seresnet50", "resnetv2_50"};
INSTANTIATE_TEST_SUITE_P(Models, Logits, testing::ValuesIn(compared), [](const auto& row) { return row.param; });
INSTANTIATE_TEST_SUITE_P(Models, LogitsSlow, testing::ValuesIn(compared), [](const auto& row) { return row.param; });

}  // namespace
}  // namespace resnet
