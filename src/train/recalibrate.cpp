#include "train/recalibrate.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "data/loader.hpp"
#include "graph/passes.hpp"
#include "graph/rewrite.hpp"
#include "runtime/executable.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace resnet {
namespace {

/// The training form of the network, whose running statistics after a step are those of its batch, and in which nothing
/// is dropped out.
Graph statistics_graph(const ModelSpec& spec, int64_t batch) {
  const Graph training = forward_graph(spec, batch, Mode::training);
  Rewriter to(training);
  for (const Node& node : training.nodes()) {
    Node changed = node;
    if (UpdateRunning* update = std::get_if<UpdateRunning>(&changed.op)) update->momentum = 1;
    const Dropout* dropout = std::get_if<Dropout>(&node.op);
    if (!dropout) {
      to.copy(changed);
    } else if (dropout->rescale) {
      to.map(node.outputs[0], to[node.inputs[0]]);
    } else {
      const Unary scale{.kind = UnaryKind::affine, .a = 1 - dropout->probability};
      to.map(node.outputs[0], to.result().add_node(node.name, scale, {to[node.inputs[0]]})[0]);
    }
  }
  return to.finish();
}

}  // namespace

int64_t recalibrate(const ModelInfo& info, State& state, const std::shared_ptr<const Dataset>& dataset,
                    const Recalibration& options, const std::shared_ptr<ThreadPool>& threads) {
  const Graph graph = fuse(statistics_graph(info.spec, options.batch));
  std::map<std::string, std::vector<double>> sums;
  for (const Update& update : graph.updates())
    if (graph[update.state].kind == ValueKind::statistic)
      sums[graph[update.state].name].resize(static_cast<std::size_t>(graph[update.state].shape.elements()));
  if (sums.empty()) fail_model("recalibrate: the network has no batch norms with statistics of their own");
  const int64_t images = options.images > 0 ? std::min(options.images, dataset->size()) : dataset->size();
  const int64_t batches = images / options.batch;
  if (batches == 0)
    fail_usage("--recalibrate: ", images, " images are fewer than a batch of ", options.batch,
               "; choose a smaller batch or more images");
  Loader loader(dataset, info.preprocessing,
                {.batch = options.batch,
                 .augmentation = {.pad = 0, .flip = false},
                 .drop_last = true,
                 .seed = options.seed,
                 .threads = default_loader_threads(threads->threads())});
  const auto program = compile(graph, state, {.threads = threads});
  Progress progress("recalibrating", batches, "batches");
  for (int64_t step = 0; step < batches; ++step) {
    if (interrupted()) fail_as(ExitCode::interrupted, "recalibrate: interrupted; nothing was written");
    program->set_input("images", loader.next().images);
    program->run();
    for (auto& [name, sum] : sums)
      std::ranges::transform(sum, state.at(name).data<float>(), sum.begin(), std::plus<double>());
    progress.update(step + 1);
  }
  for (const auto& [name, sum] : sums)
    std::ranges::transform(sum, state.at(name).data<float>().begin(),
                           [&](double value) { return static_cast<float>(value / static_cast<double>(batches)); });
  state.touch();
  return batches;
}

}  // namespace resnet
