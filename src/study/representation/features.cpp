#include "study/representation/features.hpp"

#include "base/error.hpp"
#include "data/loader.hpp"
#include "graph/passes.hpp"
#include "models/watch.hpp"
#include "train/evaluate.hpp"

#include <algorithm>

namespace resnet {

FeatureNetwork::FeatureNetwork(const TrainedNetwork& network, int64_t batch, const std::shared_ptr<ThreadPool>& threads)
    : state_(network.state) {
  WatchedGraph watched = watch(forward_graph(network.info.spec, batch, Mode::inference));
  std::vector<Value> values;
  for (const WatchedLayer& layer : watched.layers) {
    values.push_back(layer.output);
    layers_.push_back({.name = layer.name, .output = {}, .shape = {}});
  }
  for (const WatchedBlock& block : watched.blocks) {
    values[block.layers.back()] = block.output;
    layers_[block.layers.back()].ends_block = true;
  }
  for (std::size_t index = 0; index < values.size(); ++index) {
    layers_[index].output = text_of("features/", index);
    layers_[index].shape = watched.graph[values[index]].shape;
    watched.graph.add_output(layers_[index].output, values[index]);
  }
  watched.graph.add_output("penultimate", watched.layers.back().input);
  program_ = compile(fuse(watched.graph), state_, {.threads = threads});
}

void FeatureNetwork::run(const Tensor& images) {
  program_->set_input("images", images);
  program_->run();
}

std::vector<float> pooled_features(const Tensor& features, int64_t cells) {
  const Shape& shape = features.shape();
  const std::span<const float> x = features.data<float>();
  if (shape.rank() != 4) return {x.begin(), x.end()};
  const int64_t rows = std::min(cells, shape.h()), columns = std::min(cells, shape.w());
  std::vector<float> pooled;
  for (int64_t plane = 0; plane < shape.n() * shape.c(); ++plane)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column) {
        const int64_t top = row * shape.h() / rows, bottom = (row + 1) * shape.h() / rows;
        const int64_t left = column * shape.w() / columns, right = (column + 1) * shape.w() / columns;
        double sum = 0;
        for (int64_t h = top; h < bottom; ++h)
          for (int64_t w = left; w < right; ++w)
            sum += double{x[static_cast<std::size_t>((plane * shape.h() + h) * shape.w() + w)]};
        pooled.push_back(static_cast<float>(sum / static_cast<double>((bottom - top) * (right - left))));
      }
  return pooled;
}

void for_each_batch(const TrainedNetwork& network, const std::shared_ptr<const Dataset>& images, int64_t batch,
                    const std::function<void(const Tensor& images, std::span<const int32_t> labels)>& see) {
  const std::vector<int32_t> classes = matched_classes(images->classes(), network.info.classes);
  Loader loader(images, network.info.preprocessing, {.batch = batch, .training = false});
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    const Batch& next = loader.next();
    if (!next.bad.empty()) fail_data(next.bad.front().file, ": ", next.bad.front().reason);
    std::vector<int32_t> labels;
    for (const int32_t label : next.labels.data<int32_t>().first(static_cast<std::size_t>(next.count)))
      labels.push_back(classes[static_cast<std::size_t>(label)]);
    see(next.images, labels);
  }
}

}  // namespace resnet
