#include "train/inference.hpp"

#include <algorithm>
#include <utility>

namespace resnet {

InferenceProgram::InferenceProgram(ModelSpec spec, const State& state, const CompileOptions& options,
                                   Precision precision)
    : spec_(std::move(spec)), source_(state), options_(options), precision_(precision) {}

Tensor InferenceProgram::logits(const Tensor& images) {
  Executable& network = executable(images.shape().n());
  network.set_input("images", images);
  network.run();
  return network.output("logits");
}

namespace {

/// The parameters and running statistics that `graph` names.
Parameters parameters_of(const Graph& graph, const State& state) {
  Parameters parameters;
  for (const ValueInfo& value : graph.values())
    if (value.kind == ValueKind::parameter || value.kind == ValueKind::statistic)
      parameters.emplace(value.name, state.at(value.name));
  return parameters;
}

}  // namespace

std::pair<Graph, Parameters> folded_network(const ModelSpec& spec, const State& state, int64_t batch) {
  const Graph graph = forward_graph(spec, batch, Mode::inference);
  return fold_batch_norm(graph, parameters_of(graph, state));
}

std::pair<Graph, Parameters> inference_graph(const ModelSpec& spec, const State& state, int64_t batch,
                                             Precision precision) {
  auto [folded, parameters] = folded_network(spec, state, batch);
  return {insert_casts(fuse(folded), precision), std::move(parameters)};
}

Executable& InferenceProgram::executable(int64_t batch) {
  const auto known = executables_.find(batch);
  if (known != executables_.end() && folded_version_ == source_.version()) return *known->second;
  auto [graph, parameters] = inference_graph(spec_, source_, batch, precision_);
  // Folded weights of an earlier version are overwritten where they lie: compiled programs hold their addresses.
  for (auto& [name, tensor] : parameters)
    if (folded_.contains(name))
      std::ranges::copy(tensor.bytes(), folded_.at(name).bytes().begin());
    else
      folded_.set(name, std::move(tensor));
  folded_.touch();
  folded_version_ = source_.version();
  if (known != executables_.end()) return *known->second;
  return *executables_.emplace(batch, compile(graph, folded_, options_)).first->second;
}

}  // namespace resnet
