#include "cli/measure.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/random.hpp"
#include "cli/options.hpp"
#include "models/cost.hpp"
#include "train/inference.hpp"
#include "train/training_program.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>

namespace resnet::cli {
namespace {

using Clock = std::chrono::steady_clock;

double timed(const std::function<void()>& step) {
  const Clock::time_point start = Clock::now();
  step();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Seconds of each measured step; two steps and a tenth of the time before them warm up caches and clocks.
std::vector<double> step_times(const std::function<void()>& step, double seconds) {
  constexpr std::size_t least_steps = 5, most_steps = 1'000'000;
  double warm = 0;
  for (int k = 0; k < 2 || warm < seconds / 10; ++k) warm += timed(step);
  std::vector<double> times;
  for (double sum = 0; (sum < seconds || times.size() < least_steps) && times.size() < most_steps; sum += times.back())
    times.push_back(timed(step));
  return times;
}

std::vector<double> training_times(const BenchCase& bench, const ModelSpec& spec, const CompileOptions& options) {
  State state;
  TrainingProgram program(spec, bench_recipe(bench.batch), bench.step, state, bench.seed, options);
  const Batch batch = synthetic_batch(spec, bench.batch, bench.seed);
  constexpr double learning_rate = 1e-3;  // low enough that no network leaves the normal numbers
  int64_t count = 0;
  return step_times([&] { program.run(batch, learning_rate, count++); }, bench.seconds);
}

std::vector<double> inference_times(const BenchCase& bench, const ModelSpec& spec, const CompileOptions& options) {
  State state;
  initialise(state, forward_graph(spec, 1, Mode::inference), bench.seed);
  InferenceProgram program(spec, state, options, bench.step.precision);
  const Tensor images = synthetic_batch(spec, bench.batch, bench.seed).images;
  return step_times([&] { program.logits(images); }, bench.seconds);
}

/// Of this process, in MiB.
double peak_memory() {
  const std::string status = read_file("/proc/self/status", 1 << 20);
  const std::size_t at = status.find("VmHWM:");
  return at == std::string::npos ? 0 : std::strtod(status.c_str() + at + 6, nullptr) / 1024;
}

struct Statistics {
  double median = 0, mean = 0, deviation = 0;
};

Statistics statistics(std::vector<double> values) {
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  const std::size_t middle = values.size() / 2;
  Statistics result;
  result.median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = values.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  return result;
}

}  // namespace

Recipe bench_recipe(int64_t batch) {
  Recipe recipe = recipes().front();
  recipe.batch = batch;
  return recipe;
}

Batch synthetic_batch(const ModelSpec& spec, int64_t size, uint64_t seed) {
  Batch batch{.images = Tensor(Shape{size, spec.input.channels, spec.input.height, spec.input.width}),
              .labels = Tensor(Shape{size}, DType::i32),
              .count = size,
              .indices = {}};
  Rng rng(seed, "bench");
  for (float& pixel : batch.images.data<float>()) pixel = static_cast<float>(rng.uniform(-2, 2));
  int32_t turn = 0;
  for (int32_t& label : batch.labels.data<int32_t>()) label = turn++ % spec.classes;
  return batch;
}

Json measure(const BenchCase& bench) {
  const ModelSpec spec = find_model(bench.model);
  const CompileOptions options{.threads = std::make_shared<ThreadPool>(bench.threads)};
  const bool training = bench.mode == "train";
  const std::vector<double> times =
      training ? training_times(bench, spec, options) : inference_times(bench, spec, options);
  const auto size = static_cast<double>(bench.batch);
  std::vector<double> rates;
  for (const double time : times) rates.push_back(size / time);
  const Statistics time = statistics(times), rate = statistics(rates);
  // 1 MAC = 2 FLOP; backward costs twice the forward pass.
  const double flop = static_cast<double>(network_cost(spec).macs) * 2 * (training ? 3 : 1) * size;
  return {{"model", spec.name},
          {"mode", bench.mode},
          {"batch", bench.batch},
          {"precision", name_of(bench.step.precision)},
          {"memory", bench.step.low_memory ? "low" : "normal"},
          {"threads", bench.threads},
          {"images_per_second", size / time.median},
          {"latency_ms", time.median * 1e3},
          {"peak_rss_mib", peak_memory()},
          {"images_per_second_mean", rate.mean},
          {"images_per_second_sd", rate.deviation},
          {"gflop_per_second", flop / time.median / 1e9},
          {"steps", times.size()}};
}

}  // namespace resnet::cli
