// Why a residual block trains: y = F(x) + x, so dL/dx = dL/dy (dF/dx + I). The gradient reaches x twice, through the
// branch F and through the shortcut, and through the shortcut it arrives unchanged.
#include <resnet/resnet.hpp>

#include <cmath>
#include <cstdio>

using namespace resnet;

double norm(const Tensor& tensor) {
  double squares = 0;
  for (float v : tensor.data<float>()) squares += double{v} * double{v};
  return std::sqrt(squares);
}

int main() {
  Builder net(Mode::training);
  const Value x = net.input("x", {8, 16, 32, 32}), dy = net.input("dL/dy", {8, 16, 32, 32});
  // Two names for x, so that what flows into each can be told apart.
  const Value into_branch = net.unary(x, {.kind = UnaryKind::affine, .a = 1});
  const Value into_shortcut = net.unary(x, {.kind = UnaryKind::affine, .a = 1});

  Value branch = net.conv("conv1", into_branch, {.channels = 16, .kernel = 3, .padding = 1});
  branch = net.relu(net.batch_norm("bn1", branch));
  branch = net.batch_norm("bn2", net.conv("conv2", branch, {.channels = 16, .kernel = 3, .padding = 1}));
  const Value y = net.add(branch, into_shortcut);

  const auto gradients = differentiate(net.graph(), {{y, dy}}, {x, into_branch, into_shortcut});
  net.observe("through the branch  ", gradients.at(into_branch));
  net.observe("through the shortcut", gradients.at(into_shortcut));
  net.observe("both                ", gradients.at(x));

  const Graph graph = net.take();
  State state;
  initialise(state, graph, /*seed=*/0);
  const auto program = compile(graph, state);
  Rng rng(0, "example");
  for (const char* name : {"x", "dL/dy"}) {
    Tensor noise({8, 16, 32, 32});
    for (float& v : noise.data<float>()) v = static_cast<float>(rng.normal());
    program->set_input(name, noise);
    std::printf("|%s|%*s= %.3f\n", name, 25 - static_cast<int>(std::string(name).size()), "", norm(noise));
  }
  program->run();
  for (const Output& output : graph.outputs())
    std::printf("|dL/dx| %s = %.3f\n", output.name.c_str(), norm(program->output(output.name)));

  const Tensor both = program->output("both                "), a = program->output("through the branch  "),
               b = program->output("through the shortcut");
  double difference = 0;
  for (std::size_t k = 0; k < both.data<float>().size(); ++k)
    difference =
        std::max(difference, std::abs(double{both.data<float>()[k]} - a.data<float>()[k] - b.data<float>()[k]));
  std::printf("largest |both - (branch + shortcut)| = %.1e\n", difference);
  return difference < 1e-4 ? 0 : 1;
}
