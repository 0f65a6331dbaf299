#include "train/training_program.hpp"

#include "base/random.hpp"
#include "train/metrics.hpp"
#include "train/stages.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

namespace resnet {
namespace {

// Of what is cheap to compute again, a step keeps this much unless memory is asked to be low. Small networks, whose
// batch norms weigh most, keep all; ResNet-50 (fp32, batch 32) takes 16% less memory.
constexpr double kept_at_most = 640.0 * (1 << 20);

Tensor scalar(double value) {
  Tensor tensor(Shape{1});
  tensor.data<float>()[0] = static_cast<float>(value);
  return tensor;
}

/// A key of the dropout masks of one step.
Tensor random_key(uint64_t seed, int64_t step) {
  Tensor tensor(Shape{1}, DType::i64);
  tensor.data<int64_t>()[0] = static_cast<int64_t>(stream_key(seed, "dropout", {static_cast<uint64_t>(step)}));
  return tensor;
}

}  // namespace

Graph training_graph(const ModelSpec& spec, const Recipe& recipe, const StepOptions& options, bool observe_gradients) {
  const auto smoothing = static_cast<float>(recipe.label_smoothing);
  const Graph whole = loss_graph(spec, recipe.batch, Mode::training, smoothing, recipe.soft_targets());
  const std::set<std::string> frozen = frozen_parameters(whole, recipe);
  Graph graph = insert_casts(fuse(frozen.empty() ? whole : freeze(whole, frozen)), options.precision);
  std::vector<Value> trained = graph.parameters();
  std::erase_if(trained, [&](Value parameter) { return frozen.contains(graph[parameter].name); });
  const std::map<Value, Value> gradients = differentiate(graph, {{*graph.find("loss"), {}}}, trained);
  if (observe_gradients)
    for (const auto& [parameter, gradient] : gradients) graph.add_output("gradient/" + graph[parameter].name, gradient);
  graph = add_updates(graph, gradients,
                      {.momentum = static_cast<float>(recipe.momentum),
                       .weight_decay = static_cast<float>(recipe.weight_decay),
                       .nesterov = recipe.nesterov,
                       .rate_scale = rate_scales(whole, recipe),
                       .decay_vectors = recipe.decay_all});
  return recompute(graph, options.low_memory ? 0 : kept_at_most);
}

Precision faster_precision(const ModelSpec& spec, const Recipe& recipe) {
  const Graph graph = training_graph(spec, recipe, {.precision = Precision::bf16});
  return is_faster_in_bf16(graph) ? Precision::bf16 : Precision::fp32;
}

TrainingProgram::TrainingProgram(const ModelSpec& spec, const Recipe& recipe, const StepOptions& step, State& state,
                                 uint64_t seed, const CompileOptions& options)
    : seed_(seed), soft_targets_(recipe.soft_targets()) {
  const Graph graph = training_graph(spec, recipe, step);
  random_ = graph.find("random_key").has_value();
  initialise(state, graph, seed, options.compute);
  executable_ = compile(graph, state, options);
}

TrainingProgram::Result TrainingProgram::run(const Batch& batch, double learning_rate, int64_t step, bool checked) {
  executable_->set_input("images", batch.images);
  if (soft_targets_)
    executable_->set_input("targets", batch.targets);
  else
    executable_->set_input("labels", batch.labels);
  executable_->set_input("learning_rate", scalar(learning_rate));
  if (random_) executable_->set_input("random_key", random_key(seed_, step));
  Result result;
  if (checked)
    result.culprit = executable_->run_checked();
  else
    executable_->run();
  result.loss = convert(executable_->output("loss"), DType::f64).data<double>()[0];
  result.correct = count_correct(convert(executable_->output("logits"), DType::f32), batch.labels, batch.count);
  return result;
}

std::string TrainingProgram::fingerprint() const {
  uint64_t digest = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&](const std::string& text) {
    for (const char c : text + '\n') digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  for (const StepInfo& step : executable_->steps()) {
    add(step.node);
    add(step.implementation);
  }
  return fmt::format("{:016x}", digest);
}

}  // namespace resnet
