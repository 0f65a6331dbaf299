// The deepest networks of the zoo: a training step is planned within the memory that the documents state, and runs.
#include "graph/passes.hpp"
#include "models/model.hpp"
#include "runtime/harness.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace resnet {
namespace {

Graph training_step(const ModelSpec& spec, int64_t batch) {
  Graph graph = fuse(loss_graph(spec, batch, Mode::training));
  const auto gradients = differentiate(graph, {{*graph.find("loss"), {}}}, graph.parameters());
  return add_updates(graph, gradients, {.momentum = 0.9f, .weight_decay = 1e-4f});
}

class DepthSlow : public testing::TestWithParam<std::pair<const char*, double>> {};

TEST_P(DepthSlow, AStepOf128ImagesIsPlannedWithin) {
  const auto& [name, gibibytes] = GetParam();
  const Graph graph = training_step(find_model(name), 128);
  State state;
  initialise(state, graph, 1);
  const auto program = compile(graph, state, {.plan_only = true});
  EXPECT_LT(static_cast<double>(program->memory().arena), gibibytes * std::exp2(30));
}

TEST_P(DepthSlow, AStepRuns) {
  const Graph graph = training_step(find_model(GetParam().first), 2);
  State state;
  initialise(state, graph, 1);
  const Tensor before = state.at("optimizer/" + graph[graph.parameters().front()].name);
  const auto program = compile(graph, state, {});
  for (const auto& [name, tensor] : draw(graph, 1, 10))
    if (const auto value = graph.find(name); value && graph[*value].kind == ValueKind::input)
      program->set_input(name, tensor);
  EXPECT_EQ(program->run_checked(), std::nullopt);
  EXPECT_TRUE(std::isfinite(program->output("loss").data<float>()[0]));
  const Tensor& after = state.at("optimizer/" + graph[graph.parameters().front()].name);
  EXPECT_GT(distance(before, after), 0);
}

INSTANTIATE_TEST_SUITE_P(Models, DepthSlow,
                         testing::Values(std::pair("resnet1202", 11.5), std::pair("preact_resnet1001", 19.0)),
                         [](const auto& row) { return row.param.first; });

}  // namespace
}  // namespace resnet
