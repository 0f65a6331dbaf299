// The responses themselves: a network run forwards with the outputs of its layers observed.
#include "base/error.hpp"
#include "data/loader.hpp"
#include "runtime/executable.hpp"
#include "study/responses/responses.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

/// All layers of a batch are held at a time: in a network of 1202 layers 5 MB for an image.
constexpr int64_t batch_size = 10;

struct Observed {
  LayerResponse layer;
  std::string output;
  double sum = 0, squares = 0, count = 0;
};

bool is_3x3(const Node& node) {
  const auto* conv = std::get_if<Conv>(&node.op);
  return conv && conv->window.kernel_h == 3 && conv->window.kernel_w == 3;
}

/// Behind the batch norm, if that is what reads the layer's output.
std::pair<Value, bool> response_of(const Graph& graph, const Node& layer) {
  for (const Node& node : graph.nodes())
    if (std::holds_alternative<BatchNormInference>(node.op) && node.inputs[0] == layer.outputs[0])
      return {node.outputs[0], true};
  return {layer.outputs[0], false};
}

std::vector<Observed> observe_layers(Graph& graph) {
  std::vector<Observed> observed;
  std::vector<Value> values;
  for (const Node& node : graph.nodes()) {
    if (!is_3x3(node)) continue;
    const auto [value, normed] = response_of(graph, node);
    values.push_back(value);
    Observed& one = observed.emplace_back();
    one.layer.name = node.name;
    one.layer.normed = normed;
    one.output = text_of("response/", values.size());
  }
  for (std::size_t index = 0; index < values.size(); ++index) graph.add_output(observed[index].output, values[index]);
  return observed;
}

/// The images that are really there.
void add(Observed& layer, const Tensor& responses, int64_t images) {
  const auto all = responses.data<float>();
  for (const float x : all.first(all.size() / batch_size * static_cast<std::size_t>(images))) {
    layer.sum += static_cast<double>(x);
    layer.squares += static_cast<double>(x) * static_cast<double>(x);
    layer.count += 1;
  }
}

LayerResponse finished(Observed layer, const std::string& network) {
  const double mean = layer.sum / layer.count;
  layer.layer.deviation = std::sqrt(std::max(0.0, layer.squares / layer.count - mean * mean));
  if (!std::isfinite(layer.layer.deviation))
    fail(network, ": the responses of ", layer.layer.name, " are not finite; was its training?");
  return layer.layer;
}

}  // namespace

std::vector<LayerResponse> layer_responses(const TrainedNetwork& network, const std::shared_ptr<const Dataset>& dataset,
                                           const std::shared_ptr<ThreadPool>& threads) {
  Graph graph = forward_graph(network.info.spec, batch_size, Mode::inference);
  std::vector<Observed> layers = observe_layers(graph);
  if (layers.empty()) fail_usage("--models: ", network.name, " has no 3x3 convolutions");
  State state = network.state;
  const std::unique_ptr<Executable> program = compile(graph, state, {.threads = threads});
  Loader loader(dataset, network.info.preprocessing, {.batch = batch_size, .training = false, .prefetch = 1});
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    const Batch& batch = loader.next();
    program->set_input("images", batch.images);
    program->run();
    for (Observed& layer : layers) add(layer, program->output(layer.output), batch.count);
  }
  std::vector<LayerResponse> responses;
  for (Observed& layer : layers) responses.push_back(finished(std::move(layer), network.name));
  return responses;
}

}  // namespace resnet
