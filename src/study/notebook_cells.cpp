#include "base/error.hpp"
#include "models/model.hpp"
#include "models/watch.hpp"
#include "study/notebook.hpp"

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

double norm_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double x : values) sum += x * x;
  return std::sqrt(sum);
}

/// |total - (a + b)| / |total|; 0 where the total is.
double distance_from_sum(const Tensor& total, const Tensor& a, const Tensor& b) {
  const std::span<const double> sum = total.data<double>();
  std::vector<double> difference;
  for (std::size_t i = 0; i < sum.size(); ++i)
    difference.push_back(sum[i] - (a.data<double>()[i] + b.data<double>()[i]));
  const double size = frobenius_norm(total);
  return size > 0 ? norm_of(difference) / size : 0;
}

/// The notebook's PlainNetwork(input, width, depth) or ResidualNetwork(input, width, depth).
ModelSpec spec_of(const NotebookOptions& options, bool residual, int64_t depth) {
  return {.name = residual ? "notebook residual" : "notebook plain",
          .family = Family::fully_connected,
          .input = {static_cast<int>(options.input_width), 1, 1},
          .classes = static_cast<int>(options.input_width),
          .shortcut = residual ? Shortcut::option_a : Shortcut::none,
          .width = static_cast<int>(options.width),
          .depth = static_cast<int>(depth),
          .relu_output = true};
}

Graph graph_of(const ModelSpec& spec) {
  Builder net(Mode::training);
  net.observe("y", build_network(net, spec, net.input("x", {1, spec.input.elements()})));
  return net.take();
}

Tensor random_row(int64_t width, NumpyRandom& random) {
  Tensor x(Shape{1, width}, DType::f64);
  random.fill_normal(x.data<double>());
  return x;
}

/// A network with He's weights, drawn layer by layer; biases are zero and take no numbers.
class NotebookNetwork {
 public:
  NotebookNetwork(const ModelSpec& spec, NumpyRandom& random) : spec_(spec) {
    const Graph graph = graph_of(spec);
    initialise(state_, graph, 0, DType::f64);
    for (const Value parameter : graph.parameters()) {
      if (graph[parameter].shape.rank() < 2) continue;
      const std::span<double> weight = state_.at(graph[parameter].name).data<double>();
      const double deviation = std::sqrt(2.0 / static_cast<double>(graph[parameter].shape[1]));
      random.fill_normal(weight);
      for (double& w : weight) w *= deviation;
    }
    parameters_ = graph.parameter_count();
  }

  /// measure_gradient_flow: one random input, ones as the gradient of the output.
  NotebookFlow measure(NumpyRandom& random) {
    WatchedNetwork network(graph_of(spec_), "y", state_, {.backend = Backend::reference, .compute = DType::f64});
    network.program().set_input("x", random_row(spec_.input.elements(), random));
    network.program().run();
    NotebookFlow flow;
    flow.parameters = parameters_;
    std::size_t block = 0;
    for (std::size_t index = 0; index < network.layers().size(); ++index) {
      add_layer(flow, network, index);
      const bool in_block = block < network.blocks().size() && network.blocks()[block].layers.back() == index;
      if (in_block) add_block(flow, network, block++);
    }
    return flow;
  }

 private:
  static bool in_a_block(const WatchedNetwork& network, std::size_t layer) {
    return std::ranges::any_of(network.blocks(),
                               [&](const WatchedBlock& block) { return std::ranges::count(block.layers, layer) > 0; });
  }

  static void add_layer(NotebookFlow& flow, const WatchedNetwork& network, std::size_t index) {
    const LayerNorms norms = network.layer(index);
    flow.rows.push_back({network.layers()[index].name, norms.output, norms.dw, norms.db, norms.dx});
    if (!in_a_block(network, index)) flow.norms.push_back(norms.dw);
  }

  static void add_block(NotebookFlow& flow, const WatchedNetwork& network, std::size_t index) {
    const WatchedBlock& block = network.blocks()[index];
    const NotebookRow second = flow.rows.back(), first = flow.rows[flow.rows.size() - 2];
    const BlockNorms norms = network.block(index);
    const NotebookRow row{block.name, norms.output, (first.dw + second.dw) / 2, (first.db + second.db) / 2, norms.dx};
    const double gain = norms.dx / norms.dy;
    flow.least_gain = flow.norms.size() == 1 ? gain : std::min(flow.least_gain, gain);
    flow.largest_output_error = std::max(flow.largest_output_error, output_error(network, block));
    flow.largest_sum_error = std::max(flow.largest_sum_error, sum_error(network, block));
    flow.rows.insert(flow.rows.end() - 2, row);
    flow.norms.push_back(row.dw);
  }

  /// How far dx is from the sum of what comes through branch and shortcut.
  static double sum_error(const WatchedNetwork& network, const WatchedBlock& block) {
    return distance_from_sum(*network.gradient(block.input), *network.gradient(block.branch_input),
                             *network.gradient(block.sum));
  }

  static double output_error(const WatchedNetwork& network, const WatchedBlock& block) {
    return distance_from_sum(network.value(block.sum), network.value(block.branch), network.value(block.input));
  }

  ModelSpec spec_;
  State state_;
  int64_t parameters_ = 0;
};

void generate_patterns(NotebookResult& result, const NotebookOptions& options, NumpyRandom& random) {
  const auto size = static_cast<std::size_t>(options.pattern_size);
  for (int64_t index = 0; index < options.patterns; ++index) {
    const int label = static_cast<int>(index % 3);
    std::vector<double> image(size * size);
    for (std::size_t k = 0; k < size; ++k) {
      const std::size_t row = label == 0 ? 2 : k, column = label == 1 ? 3 : k;
      image[row * size + column] = 1;
    }
    for (double& pixel : image) pixel += options.noise * random.normal();
    result.images.push_back(std::move(image));
    result.labels.push_back(label);
  }
}

/// A block whose weights are scaled down so that F(x) is nearly 0.
void identity_mapping(NotebookResult& result, const NotebookOptions& options, NumpyRandom& random) {
  const int64_t width = options.width;
  const Tensor x = random_row(width, random);
  Builder net(Mode::training);
  const Value input = net.input("x", {1, width});
  const LinearOptions layer{.units = static_cast<int>(width), .bias_init = Init::zeros};
  const Value h = net.relu(net.linear("layer1", input, layer));
  net.observe("y", net.add(net.relu(net.linear("layer2", h, layer)), input));
  const Graph graph = net.take();
  State state;
  initialise(state, graph, 0, DType::f64);
  for (const char* name : {"layer1", "layer2"}) {
    std::ranges::fill(state.at(std::string(name) + ".bias").data<double>(), 0.0);
    const std::span<double> weight = state.at(std::string(name) + ".weight").data<double>();
    random.fill_normal(weight);
    for (double& w : weight) w = w * std::sqrt(2.0 / static_cast<double>(width)) * options.scale;
  }
  const auto program = compile(graph, state, {.backend = Backend::reference, .compute = DType::f64});
  program->set_input("x", x);
  program->run();
  const Tensor y = program->output("y");
  result.identity_input.assign(x.data<double>().begin(), x.data<double>().end());
  result.identity_output.assign(y.data<double>().begin(), y.data<double>().end());
  std::vector<double> difference(result.identity_output);
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= result.identity_input[i];
  result.input_norm = norm_of(result.identity_input);
  result.output_norm = norm_of(result.identity_output);
  result.identity_error = norm_of(difference);
}

/// Ratio of the first to the last gradient; the small number keeps a dead network from dividing by zero.
double guarded_ratio(const NotebookFlow& flow) { return flow.first() / (flow.last() + 1e-10); }

}  // namespace

NotebookResult run_notebook(const NotebookOptions& options, NumpyRandom& random, const std::function<void()>& between) {
  NotebookResult result;
  {
    NotebookNetwork plain(spec_of(options, false, options.depth), random);
    NotebookNetwork residual(spec_of(options, true, options.depth), random);
    result.plain = plain.measure(random);
    result.residual = residual.measure(random);
  }
  generate_patterns(result, options, random);
  identity_mapping(result, options, random);
  for (const int64_t depth : options.depths) {
    between();
    NotebookNetwork plain(spec_of(options, false, depth), random);
    NotebookNetwork residual(spec_of(options, true, depth), random);
    const double plain_ratio = guarded_ratio(plain.measure(random));
    result.depths.push_back({depth, plain_ratio, guarded_ratio(residual.measure(random))});
  }
  result.jacobian = check_jacobians(std::min<int64_t>(options.width, 64), 5, 0);
  return result;
}

}  // namespace resnet
