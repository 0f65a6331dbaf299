#include "train/compare_models.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "graph/op_functions.hpp"
#include "graph/passes.hpp"
#include "runtime/executable.hpp"
#include "train/evaluate.hpp"
#include "train/open_network.hpp"
#include "train/run.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace resnet {
namespace {

/// A network with all its layers' outputs readable.
class Observed {
 public:
  Observed(const OpenedModel& model, int64_t batch, const CompileOptions& options) {
    const Graph graph = forward_graph(model.info.spec, batch, Mode::inference);
    auto [folded, parameters] = fold_batch_norm(graph, model.state.tensors());
    graph_ = std::move(folded);
    for (const Node& node : graph_.nodes()) {
      if (graph_.is_output(node.outputs[0])) continue;
      graph_.add_output("layer/" + std::to_string(&node - graph_.nodes().data()), node.outputs[0]);
    }
    for (auto& [name, tensor] : parameters) state_.set(name, std::move(tensor));
    program_ = compile(graph_, state_, options);
  }

  void run(const Tensor& images) {
    program_->set_input("images", images);
    program_->run();
  }
  Tensor logits() const { return program_->output("logits"); }
  const Graph& graph() const { return graph_; }
  /// The output of node `index`.
  Tensor layer(std::size_t index) const {
    const Value value = graph_.nodes()[index].outputs[0];
    for (const Output& output : graph_.outputs())
      if (output.value == value) return program_->output(output.name);
    return {};
  }

 private:
  Graph graph_;
  State state_;
  std::unique_ptr<Executable> program_;
};

struct Difference {
  double largest = 0, sum = 0, scale = 0;
};

Difference difference(const Tensor& a, const Tensor& b, int64_t count) {
  Difference result;
  const auto x = a.data<float>().first(static_cast<std::size_t>(count)), y = b.data<float>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double off = std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i]));
    result.largest = std::isnan(off) ? INFINITY : std::max(result.largest, off);
    result.sum += off;
    result.scale = std::max(result.scale, std::abs(static_cast<double>(x[i])));
  }
  return result;
}

bool same_structure(const Graph& a, const Graph& b) {
  return std::ranges::equal(a.nodes(), b.nodes(), [&](const Node& x, const Node& y) {
    return x.op.index() == y.op.index() && a[x.outputs[0]].shape == b[y.outputs[0]].shape;
  });
}

/// The batches of one model's images.
class Images {
 public:
  Images(const CompareRequest& request, const ModelInfo& info, const std::optional<DataSplit>& data, int64_t batch)
      : info_(info), batch_(batch), seed_(request.seed) {
    if (data) loader_.emplace(data->test, info.preprocessing, LoaderOptions{.batch = batch, .training = false});
  }

  Tensor next(int64_t step) {
    if (loader_) return loader_->next().images;
    const ImageSize& size = info_.spec.input;
    Tensor images(Shape{batch_, size.channels, size.height, size.width});
    Rng rng(seed_, "compared images", {static_cast<uint64_t>(step)});
    for (float& x : images.data<float>()) x = static_cast<float>(rng.normal());
    return images;
  }

 private:
  const ModelInfo& info_;
  int64_t batch_;
  uint64_t seed_;
  std::optional<Loader> loader_;
};

int64_t agreeing(const Tensor& a, const Tensor& b, int64_t images) {
  const auto classes = static_cast<std::ptrdiff_t>(a.shape().c());
  int64_t count = 0;
  for (int64_t n = 0; n < images; ++n) {
    const float *x = a.data<float>().data() + n * classes, *y = b.data<float>().data() + n * classes;
    count += std::max_element(x, x + classes) - x == std::max_element(y, y + classes) - y;
  }
  return count;
}

void find_parting(Comparison& result, const Observed& a, const Observed& b) {
  constexpr double tolerance = 1e-4;
  for (std::size_t i = 0; i < a.graph().nodes().size() && !result.parts_at; ++i) {
    const Tensor x = a.layer(i), y = b.layer(i);
    const Difference off = difference(x, y, x.elements());
    const double part = off.scale > 0 ? off.largest / off.scale : off.largest;
    if (part <= tolerance) continue;
    result.parts_at = a.graph().nodes()[i].name;
    result.layer_difference = part;
  }
}

void expect_comparable(const CompareRequest& request, const ModelSpec& a, const ModelSpec& b) {
  if (!(a.input == b.input))
    fail_model(request.b, ": takes images of ", b.input.channels, "x", b.input.height, "x", b.input.width, ", ",
               request.a, " of ", a.input.channels, "x", a.input.height, "x", a.input.width);
  if (a.classes != b.classes) fail_model(request.b, ": has ", b.classes, " classes, ", request.a, " ", a.classes);
}

/// What one of the two does not say is taken from the other, or from the data.
void share_preprocessing(OpenedModel& a, OpenedModel& b, const std::optional<DataSplit>& data) {
  const auto take = [](OpenedModel& to, const Preprocessing& from) {
    to.info.preprocessing.mean = from.mean;
    to.info.preprocessing.deviation = from.deviation;
    to.preprocessing_known = true;
  };
  if (!a.preprocessing_known && b.preprocessing_known) take(a, b.info.preprocessing);
  if (!b.preprocessing_known && a.preprocessing_known) take(b, a.info.preprocessing);
  if (a.preprocessing_known || !data) return;
  take(a, data->preprocessing);
  take(b, data->preprocessing);
  log_info("neither file says how images are prepared: the data set's way is used for both");
}

/// Weights whose structure cannot be told from them take the other file's.
OpenedModel open_beside(const std::string& text, OpenOptions options, const std::string& other) {
  if (options.model.empty() && path_exists(text) && path_exists(other)) {
    const fs::path file = model_file_of(text);
    if (is_bare_weights(file) && fitting_models(weights_of(file)).size() != 1)
      options.model = model_file_of(other).string();
  }
  return open_network(text, options);
}

}  // namespace

Comparison compare_models(const CompareRequest& request) {
  OpenedModel a = open_beside(request.a, request.open_a, request.b);
  OpenedModel b = open_beside(request.b, request.open_b, request.a);
  expect_comparable(request, a.info.spec, b.info.spec);
  const int threads = request.threads > 0 ? request.threads : available_cores();
  std::optional<DataSplit> data;
  if (!request.data.empty()) data = open_data(resolved_data(request.data), {.threads = threads});
  share_preprocessing(a, b, data);
  const int64_t wanted = data ? std::min(request.images, data->test->size()) : request.images;
  const int64_t batch = std::min(evaluation_batch(a.info.spec.input), wanted);
  const CompileOptions options{.threads = std::make_shared<ThreadPool>(threads)};
  Observed first(a, batch, options), second(b, batch, options);
  Images images_a(request, a.info, data, batch), images_b(request, b.info, data, batch);
  Comparison result{.same_structure = same_structure(first.graph(), second.graph())};
  double sum = 0;
  int64_t agree = 0;
  for (int64_t step = 0; result.images < wanted; ++step) {
    first.run(images_a.next(step));
    second.run(images_b.next(step));
    const int64_t count = std::min(batch, wanted - result.images);
    const Tensor x = first.logits(), y = second.logits();
    const Difference off = difference(x, y, count * x.shape().c());
    result.max_difference = std::max(result.max_difference, off.largest);
    result.scale = std::max(result.scale, off.scale);
    sum += off.sum;
    agree += agreeing(x, y, count);
    result.images += count;
    if (result.same_structure && !result.parts_at) find_parting(result, first, second);
  }
  const auto total = static_cast<double>(result.images);
  result.mean_difference = sum / (total * a.info.spec.classes);
  result.agreement = static_cast<double>(agree) / total;
  return result;
}

}  // namespace resnet
