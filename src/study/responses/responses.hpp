// What study "responses" measures: how strongly the layers of trained networks respond (He et al. 2015, section 4.2,
// figure 7).
#pragma once

#include "data/dataset.hpp"
#include "formats/open_model.hpp"
#include "study/report.hpp"
#include "study/spread.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace resnet {

struct ResponseOptions {
  std::string models, data;
  int64_t images = 500;
};

/// A 3x3 convolution.
struct LayerResponse {
  std::string name;      // "layer1.0.conv1"
  bool normed = true;    // a batch norm follows; else the response is the layer's own output
  double deviation = 0;  // standard deviation over all images, channels and positions
};

/// Responses of the 3x3 layers of `model` to the first `count` images of `dataset` as inference sees them: behind the
/// batch norm that follows the layer, with its running statistics, before ReLU and addition. In the network's order, in
/// fp32. Bad images are left out. Error: a response is not finite.
std::vector<LayerResponse> layer_responses(OpenedModel& model, const std::shared_ptr<const Dataset>& dataset,
                                           int64_t count, const std::shared_ptr<ThreadPool>& threads);

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

StudyReport response_report(const ResponseOptions& options, const std::string& data_name,
                            const std::vector<ResponseNetwork>& networks);

}  // namespace resnet
