#include "cli/bench_step.hpp"

#include "train/inference.hpp"
#include "train/training_program.hpp"

#include <algorithm>
#include <chrono>

namespace resnet::cli {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

std::unique_ptr<CompiledStep> compiled_step(const BenchCase& bench, const CompileOptions& options) {
  auto step = std::make_unique<CompiledStep>();
  const ModelSpec spec = find_model(bench.model);
  const Batch batch = synthetic_batch(spec, bench.batch, bench.seed);
  if (bench.mode == "train") {
    step->graph = training_graph(spec, bench_recipe(bench.batch), bench.step);
    initialise(step->state, step->graph, bench.seed);
  } else {
    State state;
    initialise(state, forward_graph(spec, 1, Mode::inference), bench.seed);
    auto [graph, parameters] = inference_graph(spec, state, bench.batch, bench.step.precision);
    step->graph = std::move(graph);
    for (auto& [name, tensor] : parameters) step->state.set(name, std::move(tensor));
  }
  step->executable = compile(step->graph, step->state, options);
  step->executable->set_input("images", batch.images);
  if (bench.mode == "train") {
    Tensor rate(Shape{1});
    rate.data<float>()[0] = 1e-3f;
    step->executable->set_input("labels", batch.labels);
    step->executable->set_input("learning_rate", rate);
  }
  return step;
}

std::vector<double> median_seconds(Executable& executable, double seconds) {
  using Clock = std::chrono::steady_clock;
  executable.run();
  std::vector<std::vector<double>> times(executable.steps().size());
  const Clock::time_point start = Clock::now();
  for (int count = 0; count < 3 || std::chrono::duration<double>(Clock::now() - start).count() < seconds; ++count) {
    executable.run_profiled();
    for (std::size_t i = 0; i < times.size(); ++i) times[i].push_back(executable.steps()[i].seconds);
  }
  std::vector<double> medians;
  for (std::vector<double>& of_step : times) medians.push_back(median(std::move(of_step)));
  return medians;
}

}  // namespace resnet::cli
