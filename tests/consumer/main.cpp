// Uses the installed library the way a program of somebody else's would: build a network, run it, catch an error.
#include <resnet/resnet.hpp>

#include <cstdio>

int main() {
  using namespace resnet;
  Builder net(Mode::inference);
  const Value x = net.input("x", {1, 3, 8, 8});
  const Value branch = net.conv("conv", x, {.channels = 3, .kernel = 3, .padding = 1});
  net.observe("y", net.relu(net.add(branch, x)));
  const Graph graph = net.take();
  State state;
  initialise(state, graph, /*seed=*/0);
  const auto program = compile(graph, state);
  program->set_input("x", Tensor({1, 3, 8, 8}));
  program->run();
  if (program->output("y").shape() != Shape{1, 3, 8, 8}) return 1;
  try {
    read_file("/nowhere/at/all", 1000);
  } catch (const Error& error) {
    std::printf("as it should: %s\n", error.what());
    return 0;
  }
  return 1;
}
