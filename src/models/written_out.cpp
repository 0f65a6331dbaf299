#include "models/written_out.hpp"

#include "base/error.hpp"
#include "graph/op_functions.hpp"
#include "models/blocks.hpp"
#include "models/excerpt.hpp"
#include "models/written_out_json.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace resnet {
namespace {

/// Where an op's first inputs come from, by name, for messages.
[[noreturn]] void fail_layer(const WrittenOut::Layer& layer, const std::string& what) {
  fail_model("layer '", excerpt(layer.name), "': ", what);
}

/// -k becomes k times the batch.
Shape resolved(Shape shape, int64_t batch) {
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] < 0) shape[axis] *= -batch;
  return shape;
}

Op resolved(Op op, int64_t batch) {
  if (auto* reshape = std::get_if<Reshape>(&op)) reshape->shape = resolved(reshape->shape, batch);
  if (auto* repeated = std::get_if<Broadcast>(&op)) repeated->shape = resolved(repeated->shape, batch);
  if (auto* reduced = std::get_if<Reduce>(&op)) reduced->shape = resolved(reduced->shape, batch);
  if (auto* slice = std::get_if<StridedSlice>(&op)) slice->shape = resolved(slice->shape, batch);
  if (auto* pad = std::get_if<Pad>(&op)) pad->shape = resolved(pad->shape, batch);
  return op;
}

/// How a state starts where no weights are given, from the first layer that reads it.
Init init_of(const WrittenOut& network, std::size_t state) {
  for (const WrittenOut::Layer& layer : network.layers) {
    const auto at = std::ranges::find(layer.inputs, static_cast<int>(state) + 1);
    if (at == layer.inputs.end()) continue;
    const auto place = at - layer.inputs.begin();
    if (std::holds_alternative<Conv>(layer.op)) return place == 1 ? Init::he_normal_fan_out : Init::zeros;
    if (std::holds_alternative<Linear>(layer.op)) return Init::uniform_fan_in;
    if (std::holds_alternative<BatchNormInference>(layer.op))
      return place == 1 || place == 4 ? Init::ones : Init::zeros;
    return Init::zeros;
  }
  return Init::zeros;
}

class ListBuilder {
 public:
  ListBuilder(Builder& net, const WrittenOut& network, Value images) : net_(net), network_(network), values_{images} {
    batch_ = net.shape(images).n();
    Graph& graph = net.graph();
    for (std::size_t i = 0; i < network.states.size(); ++i) {
      const WrittenOut::State& state = network.states[i];
      const ValueKind kind = state.trained ? ValueKind::parameter : ValueKind::statistic;
      values_.push_back(graph.add_state(kind, state.name, state.shape, init_of(network, i)));
    }
  }

  Value build() {
    for (const WrittenOut::Layer& layer : network_.layers) {
      std::vector<Value> inputs;
      for (const int input : layer.inputs) inputs.push_back(values_[static_cast<std::size_t>(input)]);
      values_.push_back(this->layer(layer, std::move(inputs)));
    }
    return values_[static_cast<std::size_t>(network_.logits)];
  }

 private:
  Value layer(const WrittenOut::Layer& layer, std::vector<Value> inputs) {
    const bool training = net_.mode() == Mode::training;
    if (const auto* norm = std::get_if<BatchNormInference>(&layer.op); norm && training && learns(inputs))
      return batch_norm(layer, *norm, inputs);
    if (std::holds_alternative<Dropout>(layer.op)) {
      if (inputs.empty()) fail_layer(layer, "has no input");
      if (!training) return inputs[0];
      const std::optional<Value> key = net_.graph().find("random_key");
      inputs.push_back(key ? *key : net_.graph().add_input("random_key", {1}, DType::i64));
      Dropout op = std::get<Dropout>(layer.op);
      op.salt = values_.size();
      return net_.graph().add_node(layer.name, op, std::move(inputs))[0];
    }
    return net_.graph().add_node(layer.name, resolved(layer.op, batch_), std::move(inputs))[0];
  }

  /// Statistics that are states of their own can be learnt; others stay as they are.
  bool learns(const std::vector<Value>& inputs) const {
    return inputs.size() == 5 && net_.graph()[inputs[3]].kind == ValueKind::statistic &&
           net_.graph()[inputs[4]].kind == ValueKind::statistic && !updated(inputs[3]) && !updated(inputs[4]);
  }
  bool updated(Value state) const {
    return std::ranges::any_of(net_.graph().updates(), [&](const Update& update) { return update.state == state; });
  }

  Value batch_norm(const WrittenOut::Layer& layer, const BatchNormInference& norm, const std::vector<Value>& inputs) {
    Graph& graph = net_.graph();
    constexpr float momentum = 0.1f;  // as in the networks of the zoo
    const std::vector<Value> y = graph.add_node(layer.name, BatchNorm{norm.epsilon}, {inputs[0], inputs[1], inputs[2]});
    const double count = static_cast<double>(net_.shape(inputs[0]).elements() / net_.shape(inputs[0]).c());
    const auto track = [&](const char* what, Value running, Value batch, double correction) {
      const UpdateRunning op{momentum, correction};
      graph.add_update(running, graph.add_node(layer.name + what, op, {running, batch}, Phase::update)[0]);
    };
    track(".running_mean", inputs[3], y[1], 1);
    track(".running_var", inputs[4], y[2], count / (count - 1));
    return y[0];
  }

  Builder& net_;
  const WrittenOut& network_;
  std::vector<Value> values_;
  int64_t batch_ = 1;
};

// --- writing ---

/// Extents that differ are multiples of the batches.
nlohmann::json merged(const nlohmann::json& small, const nlohmann::json& large, int64_t small_batch,
                      int64_t large_batch) {
  if (small == large) return small;
  if (small.is_object() || small.is_array()) {
    nlohmann::json result = small;
    if (small.size() != large.size()) fail_model("its form depends on the batch");
    for (const auto& [key, value] : small.items()) {
      auto& place = small.is_object() ? result[key] : result[static_cast<std::size_t>(std::stoul(key))];
      const auto& other = small.is_object() ? large.at(key) : large[static_cast<std::size_t>(std::stoul(key))];
      place = merged(value, other, small_batch, large_batch);
    }
    return result;
  }
  const bool numbers = small.is_number_integer() && large.is_number_integer();
  const int64_t a = numbers ? small.get<int64_t>() : 0, b = numbers ? large.get<int64_t>() : 0;
  if (!numbers || a % small_batch != 0 || a / small_batch * large_batch != b)
    fail_model("depends on the batch in a way that cannot be written down: ", small.dump(), " and ", large.dump());
  return -(a / small_batch);
}

/// The nodes that the logits depend on.
std::vector<char> needed_nodes(const Graph& graph, Value logits) {
  std::vector<char> needed(graph.nodes().size());
  std::vector<Value> open = {logits};
  while (!open.empty()) {
    const int producer = graph[open.back()].producer;
    open.pop_back();
    if (producer < 0 || needed[static_cast<std::size_t>(producer)]) continue;
    needed[static_cast<std::size_t>(producer)] = true;
    const Node& node = graph.nodes()[static_cast<std::size_t>(producer)];
    open.insert(open.end(), node.inputs.begin(), node.inputs.end());
  }
  return needed;
}

Value output_of(const Graph& graph) {
  const std::optional<Value> logits = graph.find("logits");
  if (!logits) fail_model("the network has no output \"logits\"");
  return *logits;
}

}  // namespace

WrittenOut write_out(const std::function<Graph(int64_t batch)>& build, int64_t small_batch, int64_t large_batch) {
  const Graph graph = build(small_batch), other = build(large_batch);
  const std::optional<Value> images = graph.find("images");
  if (!images || graph.nodes().size() != other.nodes().size()) fail_model("its form depends on the batch");
  const Value logits = output_of(graph);
  const std::vector<char> needed = needed_nodes(graph, logits);
  WrittenOut network;
  std::map<Value, int> numbers = {{*images, 0}};
  std::set<Value> read;
  for (std::size_t i = 0; i < needed.size(); ++i)
    if (needed[i]) read.insert(graph.nodes()[i].inputs.begin(), graph.nodes()[i].inputs.end());
  for (const Value value : read) {  // in order of creation
    const ValueInfo& info = graph[value];
    if (info.kind != ValueKind::parameter && info.kind != ValueKind::statistic) continue;
    network.states.push_back({info.name, info.shape, info.kind == ValueKind::parameter});
    numbers[value] = static_cast<int>(network.states.size());
  }
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    const Node &node = graph.nodes()[i], &twin = other.nodes()[i];
    WrittenOut::Layer layer{node.name, {}, {}};
    with_context("node '" + excerpt(node.name) + "'", [&] {
      if (node.op.index() != twin.op.index()) fail_model("its form depends on the batch");
      layer.op = op_from(std::string(name_of(node.op)),
                         merged(attributes_of(node.op), attributes_of(twin.op), small_batch, large_batch));
      for (const Value input : node.inputs)
        if (const auto found = numbers.find(input); found != numbers.end())
          layer.inputs.push_back(found->second);
        else if (graph[input].name != "random_key")
          fail_model("reads '", graph[input].name, "', which is no first output of a layer");
    });
    network.layers.push_back(std::move(layer));
    numbers[node.outputs[0]] = static_cast<int>(network.states.size() + network.layers.size());
  }
  const auto last = numbers.find(logits);
  if (last == numbers.end()) fail_model("its logits are computed by no layer");
  network.logits = last->second;
  return network;
}

std::string problem_of(const WrittenOut& network) {
  constexpr std::size_t most_layers = 20'000, most_states = 1 << 17, most_inputs = 4096;
  if (network.layers.size() > most_layers || network.states.size() > most_states)
    return text_of(network.layers.size(), " layers and ", network.states.size(), " states are too many");
  std::set<std::string> names;
  for (const WrittenOut::State& state : network.states) {
    double elements = 1;
    for (const int64_t extent : state.shape) {
      if (extent < 1) return text_of("state '", excerpt(state.name), "' has the extent ", extent);
      elements *= static_cast<double>(extent);
    }
    if (elements > 4e9) return text_of("state '", excerpt(state.name), "' ", state.shape, " is too large");
    if (!names.insert(state.name).second) return text_of("state '", excerpt(state.name), "' is there twice");
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const WrittenOut::Layer& layer = network.layers[i];
    const auto known = static_cast<int>(network.states.size() + i);
    if (layer.inputs.size() > most_inputs) return text_of("layer '", excerpt(layer.name), "' has too many inputs");
    for (const int input : layer.inputs)
      if (input < 0 || input > known)
        return text_of("layer '", excerpt(layer.name), "' reads value ", input, " before it is computed");
  }
  if (network.logits < 1 || network.logits > static_cast<int>(network.states.size() + network.layers.size()))
    return text_of("the logits are value ", network.logits, ", which does not exist");
  return {};
}

Value build_written_out(Builder& net, const ModelSpec& spec, Value images) {
  try {
    return ListBuilder(net, spec.written, images).build();
  } catch (const Error& error) {
    fail_model("model '", excerpt(spec.name), "': ", error.what());
  }
}

WrittenOut with_classes(WrittenOut network, int64_t classes) {
  int at = network.logits;
  const int states = static_cast<int>(network.states.size());
  while (at > states) {
    const WrittenOut::Layer& layer = network.layers[static_cast<std::size_t>(at - states - 1)];
    const bool head = std::holds_alternative<Linear>(layer.op) || std::holds_alternative<Conv>(layer.op);
    if (head) {
      for (std::size_t i = 1; i < layer.inputs.size(); ++i)
        if (layer.inputs[i] > 0 && layer.inputs[i] <= states)
          network.states[static_cast<std::size_t>(layer.inputs[i] - 1)].shape[0] = classes;
      return network;
    }
    if (auto* reshape = std::get_if<Reshape>(&network.layers[static_cast<std::size_t>(at - states - 1)].op);
        reshape && reshape->shape.rank() > 1)
      reshape->shape[1] = classes;
    at = layer.inputs.empty() ? 0 : layer.inputs.front();
  }
  fail_model("the last layer with weights is neither a linear layer nor a convolution, so it cannot get other classes");
}

}  // namespace resnet
