// What study "responses" measures: how strongly the layers of trained networks respond (He et al. 2015, section 4.2,
// figure 7).
#pragma once

#include "data/dataset.hpp"
#include "study/report.hpp"
#include "study/spread.hpp"
#include "study/trained_networks.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace resnet {

/// A 3x3 convolution.
struct LayerResponse {
  std::string name;      // "layer1.0.conv1"
  bool normed = true;    // a batch norm follows; else the response is the layer's own output
  double deviation = 0;  // standard deviation over all images, channels and positions
};

/// Responses of the 3x3 layers of `network` to the images of `dataset` as inference sees them: behind the
/// batch norm that follows the layer, with its running statistics, before ReLU and addition. In the network's order, in
/// fp32. Bad images are left out. Error: a response is not finite.
std::vector<LayerResponse> layer_responses(const TrainedNetwork& network, const std::shared_ptr<const Dataset>& dataset,
                                           const std::shared_ptr<ThreadPool>& threads);

/// One network with the trainings of it that were given.
struct ResponseNetwork {
  std::string name;  // "resnet20"
  bool residual = false;
  int depth = 0;
  std::vector<std::string> models;  // as they were named
  std::vector<LayerResponse> layers;
  std::vector<std::vector<double>> deviations;  // [models][layers]

  /// Of each layer, over the models.
  std::vector<Spread> spreads() const;
  /// Of each model, the mean over its layers.
  std::vector<double> means() const;
};

/// `images`: "500 images of cifar10 (test)".
StudyReport response_report(const std::string& images, const std::vector<ResponseNetwork>& networks);

}  // namespace resnet
