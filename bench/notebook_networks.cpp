// notebook_networks [SECONDS]: microseconds of one forward and backward pass of the notebook's 16-wide networks from a
// reused plan, in double on one thread, as one JSON object. bench/peers/compare_numpy runs it in turn with NumPy.
#include <resnet/resnet.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

/// All gradients of weights and biases, and that of the input, from ones at the output.
resnet::Graph graph_of(bool residual, int depth) {
  const resnet::ModelSpec spec{.name = "notebook",
                               .family = resnet::Family::fully_connected,
                               .input = {16, 1, 1},
                               .classes = 16,
                               .shortcut = residual ? resnet::Shortcut::option_a : resnet::Shortcut::none,
                               .width = 16,
                               .depth = depth,
                               .relu_output = true};
  resnet::Builder net(resnet::Mode::training);
  const resnet::Value x = net.input("x", {1, 16});
  const resnet::Value y = build_network(net, spec, x);
  net.observe("y", y);
  std::vector<resnet::Value> wanted = net.graph().parameters();
  wanted.push_back(x);
  for (const auto& [value, gradient] : differentiate(net.graph(), {{y, {}}}, wanted))
    net.observe("gradient/" + net.graph()[value].name, gradient);
  return net.take();
}

/// The median over short blocks of runs: reading the clock for each would be felt, and a pause of the process hits few.
double microseconds(bool residual, int depth, double seconds) {
  constexpr int runs_each = 20;
  const resnet::Graph graph = graph_of(residual, depth);
  resnet::State state;
  initialise(state, graph, 0, resnet::DType::f64);
  const auto program = compile(graph, state, {.backend = resnet::Backend::reference, .compute = resnet::DType::f64});
  resnet::Tensor x(resnet::Shape{1, 16}, resnet::DType::f64);
  resnet::Rng rng(0, "x");
  for (double& value : x.data<double>()) value = rng.normal();
  std::vector<double> times;
  for (double sum = 0; sum < seconds;) {
    const Clock::time_point start = Clock::now();
    for (int run = 0; run < runs_each; ++run) {
      program->set_input("x", x);
      program->run();
    }
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    times.push_back(elapsed / runs_each * 1e6);
    sum += elapsed;
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  std::string fields;
  for (const bool residual : {false, true})
    for (const int depth : {10, 40})
      fields += fmt::format("{}\"{} {}\": {:.3f}", fields.empty() ? "" : ", ", residual ? "residual" : "plain", depth,
                            microseconds(residual, depth, seconds));
  fmt::print("{{{}}}\n", fields);
}
