// Whole trainings against PyTorch: golden/golden.json holds what golden/make_golden.py computed in float64.
#include "base/files.hpp"
#include "graph/passes.hpp"
#include "models/model.hpp"
#include "runtime/executable.hpp"
#include "support/hashed.hpp"
#include "support/places.hpp"
#include "train/training_program.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace resnet {
namespace {

constexpr int64_t batch_size = 8;
constexpr int classes = 10;

struct Network {
  std::string name;
  ModelSpec spec;
};

std::vector<Network> networks() {
  const ModelSpec bottleneck = {.name = "bottleneck",
                                .input = {3, 64, 64},
                                .classes = classes,
                                .stem = Stem::conv7x7,
                                .block = BlockKind::bottleneck,
                                .blocks = {1, 2, 1, 1},
                                .widths = {8, 16, 24, 32},
                                .shortcut = Shortcut::option_b};
  return {{"resnet20", find_model("resnet20")}, {"bottleneck", bottleneck}};
}

using test::hashed;

Tensor hashed_weights(const ValueInfo& value, DType dtype) {
  Tensor tensor(value.shape);
  const std::vector<double> u = hashed(value.name, value.shape.elements());
  const double fan_in = static_cast<double>(value.shape.elements() / value.shape[0]);
  const bool gamma = value.name.ends_with("weight");
  for (std::size_t k = 0; k < u.size(); ++k)
    tensor.data<float>()[k] =
        static_cast<float>(value.shape.rank() > 1 ? u[k] * std::sqrt(6 / fan_in) : 0.1 * u[k] + (gamma ? 1.0 : 0.0));
  return convert(tensor, dtype);
}

Recipe golden_recipe() {
  Recipe recipe;
  recipe.batch = batch_size;
  recipe.momentum = 0.9;
  recipe.weight_decay = 1e-4;
  return recipe;
}

/// A training step of a hashed network, with the gradients of its parameters as outputs.
class GoldenRun {
 public:
  GoldenRun(const ModelSpec& spec, int salt, Backend backend, DType compute, const Recipe& recipe = golden_recipe())
      : spec_(spec), salt_(std::to_string(salt)) {
    const Graph graph = training_graph(spec, recipe, {}, true);
    for (const Value parameter : graph.parameters())
      state_.set(graph[parameter].name, hashed_weights(graph[parameter], compute));
    initialise(state_, graph, 0, compute);
    executable_ =
        compile(graph, state_, {.backend = backend, .compute = compute, .threads = std::make_shared<ThreadPool>(2)});
  }

  double step(double lr) {
    const ImageSize& size = spec_.input;
    const std::vector<double> pixels =
        hashed("images." + salt_ + "." + std::to_string(steps_), batch_size * size.elements());
    const std::vector<double> classes_of = hashed("labels." + std::to_string(steps_), batch_size);
    Tensor images(Shape{batch_size, size.channels, size.height, size.width});
    std::ranges::transform(pixels, images.data<float>().begin(), [](double x) { return static_cast<float>(x); });
    Tensor labels(Shape{batch_size}, DType::i32);
    std::ranges::transform(classes_of, labels.data<int32_t>().begin(),
                           [](double u) { return static_cast<int32_t>(std::floor((u + 1) * 0.5 * classes)); });
    Tensor rate(Shape{1});
    rate.data<float>()[0] = static_cast<float>(lr);
    executable_->set_input("images", images);
    executable_->set_input("labels", labels);
    executable_->set_input("learning_rate", rate);
    executable_->run();
    ++steps_;
    return convert(executable_->output("loss"), DType::f64).data<double>()[0];
  }

  std::vector<double> gradient(const std::string& name) const {
    const Tensor tensor = convert(executable_->output("gradient/" + name), DType::f64);
    return {tensor.data<double>().begin(), tensor.data<double>().end()};
  }

 private:
  ModelSpec spec_;
  std::string salt_;
  State state_;
  std::unique_ptr<Executable> executable_;
  int steps_ = 0;
};

nlohmann::json fixture(const std::string& name) {
  return nlohmann::json::parse(read_file(test::tests_folder() / "train" / "golden" / "golden.json", 1 << 20)).at(name);
}

/// The norm of the error relative to the expected norm, estimated from projections on vectors of variance 1/3.
double relative_error(const std::string& name, const std::vector<double>& gradient, const nlohmann::json& expected) {
  double squares = 0, norm = 0;
  const auto projections = expected.at("projections").get<std::vector<double>>();
  for (std::size_t k = 0; k < projections.size(); ++k) {
    const std::vector<double> u =
        hashed("projection." + std::to_string(k) + "." + name, static_cast<int64_t>(gradient.size()));
    double dot = 0;
    for (std::size_t i = 0; i < u.size(); ++i) dot += u[i] * gradient[i];
    squares += 3 * (dot - projections[k]) * (dot - projections[k]) / static_cast<double>(projections.size());
  }
  for (const double x : gradient) norm += x * x;
  const double expected_norm = expected.at("norm").get<double>();
  return std::max(std::sqrt(squares), std::abs(std::sqrt(norm) - expected_norm)) / expected_norm;
}

/// Returns the largest error.
double expect_gradients(const GoldenRun& run, const nlohmann::json& gradients, double tolerance) {
  double worst = 0;
  for (const auto& [name, expected] : gradients.items()) {
    const double error = relative_error(name, run.gradient(name), expected);
    worst = std::max(worst, error);
    EXPECT_LT(error, tolerance) << name;
  }
  return worst;
}

TEST(Golden, ReferenceInDoubleFollowsPyTorchFor20Steps) {
  for (const Network& network : networks()) {
    const nlohmann::json golden = fixture(network.name);
    GoldenRun run(network.spec, golden.at("salt").get<int>(), Backend::reference, DType::f64);
    double worst = 0, worst_gradient = 0;
    for (std::size_t step = 0; step < golden.at("losses").size(); ++step) {
      const double expected = golden.at("losses")[step].get<double>();
      const double loss = run.step(0.1);
      worst = std::max(worst, std::abs(loss - expected));
      EXPECT_NEAR(loss, expected, 1e-8) << network.name << " step " << step;
      if (step == 0) worst_gradient = expect_gradients(run, golden.at("gradients"), 1e-10);
    }
    fmt::print("{}: in double, 20 losses within {:.1e}, gradients within {:.1e}\n", network.name, worst,
               worst_gradient);
  }
}

TEST(Golden, NesterovAndLabelSmoothingFollowPyTorch) {
  Recipe recipe = golden_recipe();
  recipe.nesterov = true;
  recipe.label_smoothing = 0.1;
  const Network network = networks().back();
  const nlohmann::json golden = fixture(network.name);
  GoldenRun run(network.spec, golden.at("salt").get<int>(), Backend::reference, DType::f64, recipe);
  for (const nlohmann::json& expected : golden.at("nesterov_smoothed_losses"))
    EXPECT_NEAR(run.step(0.1), expected.get<double>(), 1e-8);
}

TEST(Golden, CpuFirstStepAndFiveSmallOnesFollowPyTorch) {
  for (const Network& network : networks()) {
    const nlohmann::json golden = fixture(network.name);
    GoldenRun run(network.spec, golden.at("salt").get<int>(), Backend::cpu, DType::f32);
    double worst = 0, worst_gradient = 0;
    for (std::size_t step = 0; step < golden.at("small_rate_losses").size(); ++step) {
      const double expected = golden.at("small_rate_losses")[step].get<double>();
      const double loss = run.step(1e-3);
      worst = std::max(worst, std::abs(loss - expected));
      EXPECT_NEAR(loss, expected, 1e-4) << network.name << " step " << step;
      if (step == 0) worst_gradient = expect_gradients(run, golden.at("gradients"), 1e-4);
    }
    fmt::print("{}: in fp32, 5 losses within {:.1e}, gradients within {:.1e}\n", network.name, worst, worst_gradient);
  }
}

}  // namespace
}  // namespace resnet
