// What can be said of a network's health from a few batches, as plain data: how large signals and gradients are at each
// depth, what ReLUs and batch norms let through, how far a step moves the weights. Measured by HealthProbe; `diagnose`
// draws conclusions from it, a training keeps samples of it.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace resnet {

/// Where a figure does not exist: a layer without a ReLU has no dead units.
inline constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

/// A convolution or a linear layer on the way from the images to the classes, in that order. Norms are Frobenius norms
/// over a batch; of several batches the root of the mean square.
struct LayerHealth {
  std::string name;
  std::string parameter;                                // of the weight
  bool linear = false, norm = false, relu = false;      // a batch norm, a ReLU follow directly
  double mean = 0, variance = 0;                        // of what it computes, before batch norm and ReLU
  double activation_mean = 0, activation_variance = 0;  // behind them
  double dead = not_measured;                           // part of the units whose ReLU gave 0 for every image and place
  double zeros = not_measured;                          // part of the numbers behind the ReLU that are 0
  double weight = 0, dw = 0;
  double dx = 0;                      // of the gradient by what it reads, so that depth compares
  double update = 0;                  // rate |dw| / |w|: the part of the weights that a step without momentum changes
  double coherence = not_measured;    // cosine between the dw of two batches, mean over pairs
  double correlation = not_measured;  // see NetworkHealth::path_step
  double departure = 0;               // of the weights from independent draws of one law: see draw_departure()
  bool equal_units = false;           // all units have the same weights, so all will always learn the same
  bool frozen = false;                // left out of the training by the recipe
  int64_t place = 0, relu_place = 0;  // on the way from the images to the loss
};

/// The ReLU after the addition of a block, or any other that does not follow a layer directly.
struct ReluHealth {
  std::string name;
  double dead = 0, zeros = 0;
  int64_t place = 0;
};

/// A sigmoid that is an activation; gates, which something is multiplied by, are meant to close.
struct SigmoidHealth {
  std::string name;
  double saturated = 0;  // part of the numbers where its derivative is below a hundredth of its largest one
  int64_t place = 0;
};

/// A batch norm in training, with the running statistics that it has in inference.
struct NormHealth {
  std::string name;
  int64_t channels = 0;
  double epsilon = 0;
  double variance = 0;       // of its channels in the batches: the median
  double collapsed = 0;      // part of the channels whose variance is below epsilon
  double off = 0, open = 0;  // part of the channels with beta < -3 |gamma|, or beta > 3 |gamma|, before a ReLU
  double tiny_gamma = 0;     // part of the channels with |gamma| below 1e-3
  /// Of the data against the running statistics, over the channels: the root mean square of
  /// (mean - running mean) / sqrt(running variance + epsilon), the median of variance / running variance.
  double shift = 0, spread = 1;
  /// Running mean 0 (+- 0.1) and variance 1 (+- 0.15) in three of four channels: hardly anything has updated them.
  bool untouched = false;
  bool running = true;      // there are running statistics
  bool as_started = false;  // gamma and beta are one number for all channels
  int64_t place = 0;
  std::vector<double> log_variance = {}, log_running = {};  // of each channel, with epsilon
};

struct BlockHealth {
  std::string name;
  double branch = 0, shortcut = 0;  // |F(x)|, |x| or its projection
  double dx_branch = 0, dx_shortcut = 0;
  double ratio() const { return shortcut > 0 ? branch / shortcut : std::numeric_limits<double>::infinity(); }
};

/// What the first layer reads.
struct InputHealth {
  std::vector<double> mean, deviation;  // of each channel
  double between = 0;                   // part of the variance of pixels that lies between images
  double constant = 0;                  // part of the images that are one colour
  double repeated = 0;                  // part of the images equal to an earlier one
};

struct ParameterHealth {
  std::string name;
  int64_t elements = 0;
  double norm = 0, gradient = 0;
  bool frozen = false;  // by the recipe
  bool reached = true;  // the loss depends on it through something that has a gradient
};

/// What comes out in training mode.
struct OutputHealth {
  double loss = 0, top1 = 0;
  double confidence = 0;       // mean of the largest probability
  double spread = 0;           // standard deviation of the logits
  bool probabilities = false;  // logits are nowhere negative and sum to 1 for each image
  double zeros = 0;            // part of the logits that are exactly 0
  bool finite = true;
};

struct NetworkHealth {
  int64_t images = 0, batch = 0;
  double rate = 0;
  std::vector<LayerHealth> layers = {};
  std::vector<ReluHealth> relus = {};
  std::vector<SigmoidHealth> sigmoids = {};
  std::vector<NormHealth> norms = {};
  std::vector<BlockHealth> blocks = {};
  std::vector<ParameterHealth> parameters = {};
  InputHealth input = {};
  OutputHealth output = {};
  std::vector<int64_t> labels = {};  // how many images of each class
  bool random = false;               // dropout or stochastic depth: training computes something else than inference
  /// Gradients of neighbours (Balduzzi et al. 2017): the images of a batch lie on the line between two images, this
  /// part of the way apart; correlation is the mean cosine between the gradients of neighbours. 0 if it was not
  /// measured.
  double path_step = 0;
};

/// Of the layers that learn: see LayerHealth::update.
double median_update(const NetworkHealth& health);

}  // namespace resnet
