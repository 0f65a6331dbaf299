// What each layer of a trained network makes of images: the activations behind its batch norm and ReLU, and where a
// residual block ends, those behind the addition.
#pragma once

#include "base/parallel.hpp"
#include "runtime/executable.hpp"
#include "study/trained_networks.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace resnet {

struct LayerFeatures {
  std::string name;    // "layer1.0.conv2"
  std::string output;  // the program's name for it
  Shape shape;         // of one batch
  bool ends_block = false;
};

/// An inference network whose layers can be read.
class FeatureNetwork {
 public:
  /// `network` must outlive this.
  FeatureNetwork(const TrainedNetwork& network, int64_t batch, const std::shared_ptr<ThreadPool>& threads);

  /// Every layer with weights but those on shortcuts, from the input to the logits.
  const std::vector<LayerFeatures>& layers() const { return layers_; }
  void run(const Tensor& images);
  /// After a run: of one layer, [N, ...].
  Tensor features(std::size_t layer) const { return program_->output(layers_[layer].output); }
  /// After a run: what the last layer reads, [N, ...].
  Tensor penultimate() const { return program_->output("penultimate"); }

 private:
  State state_;
  std::vector<LayerFeatures> layers_;
  std::unique_ptr<Executable> program_;
};

/// The means over a grid of at most cells x cells equal parts of each image: [N, C, H, W] -> [N, C * g * g] row-major;
/// vectors stay as they are.
std::vector<float> pooled_features(const Tensor& features, int64_t cells);

/// Calls `see` for each batch of `images` in their order, prepared for the network, until there are none left. Labels
/// are places in the network's classes.
void for_each_batch(const TrainedNetwork& network, const std::shared_ptr<const Dataset>& images, int64_t batch,
                    const std::function<void(const Tensor& images, std::span<const int32_t> labels)>& see);

}  // namespace resnet
