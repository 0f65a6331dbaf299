// How the size of a gradient changes on its way through a network: what is measured, on fully connected networks drawn
// at random. The studies gradient-flow and depth ask different questions of the same trials.
#pragma once

#include "models/model.hpp"
#include "models/watch.hpp"
#include "study/json.hpp"
#include "study/run.hpp"
#include "study/statistics.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace resnet {

/// One network, one batch, one backward pass. Frobenius norms.
struct FlowSample {
  std::vector<double> dw;      // dL/dW of every weight layer, from the input to the output
  std::vector<double> stream;  // dL/dh of the activations on the main path, from the first hidden one to the last; in
                               // a dense network, whose layers read all earlier ones, of what they read
  std::vector<double> x, shortcut, branch;  // of each block: x, and dL/dx through the shortcut and through the branch

  /// No gradient arrives at the first layer.
  bool dead() const { return dw.front() == 0; }
};

enum class FlowDetail { all, ends };  // ends: the first and the last of dw and stream, no blocks

FlowSample sample_of(const WatchedNetwork& network, FlowDetail detail);
Json to_json(const FlowSample& sample);
FlowSample flow_sample_from(const Json& json);

/// Plain and residual as in the notebook (the branch ends in a ReLU, none after the addition). The others after He et
/// al.: a plain layer is W, batch norm, ReLU; a block relu(x + BN W2 relu(BN W1 x)) (2015, fig. 2), or
/// x + W2 relu(BN W1 relu(BN x)) (2016, fig. 4e).
enum class FlowKind : uint8_t { plain, residual, plain_norm, residual_norm, pre_activation };

constexpr bool is_residual(FlowKind kind) { return kind != FlowKind::plain && kind != FlowKind::plain_norm; }
constexpr bool has_norm(FlowKind kind) { return kind != FlowKind::plain && kind != FlowKind::residual; }
std::string_view name_of(FlowKind kind);

struct FlowNetwork {
  FlowKind kind = FlowKind::plain;
  int64_t depth = 10;  // layers of a plain network, blocks of two layers of a residual one
  int64_t input_width = 16, width = 16;
  int64_t examples = 1;  // in the batch; batch norm needs more than one
  /// Layers with weights, from input to output.
  int64_t layers() const { return is_residual(kind) ? 2 * depth + 2 : depth; }
};

/// Input "x" [examples, input_width], output "y" of that shape. Without batch norm y ends in a ReLU, as in the
/// notebook; with it the last layer is linear.
Graph flow_graph(const FlowNetwork& network);

/// Draws networks and inputs, in double on the reference backend. Trial t depends on the seed, the network and t only.
class FlowTrials {
 public:
  FlowTrials(const FlowNetwork& network, uint64_t seed, FlowDetail detail);
  /// He's weights (normal, variance 2 / inputs), zero biases, a normal input, ones as the gradient of the output.
  FlowSample run(int64_t trial);

 private:
  FlowNetwork network_;
  uint64_t seed_;
  FlowDetail detail_;
  State state_;
  std::vector<std::string> weights_;
  Tensor x_;
  std::unique_ptr<WatchedNetwork> watched_;
};

/// How what a layer computes reaches later ones: through the next layer alone, also past blocks, or side by side.
enum class Paths : uint8_t { plain, residual, dense };

/// All trials of one network.
struct FlowGroup {
  std::string name;  // "plain, 22 layers"
  std::string kind;  // what is compared over depths: "plain, 2d + 2 layers"
  int64_t depth = 0, layers = 0, examples = 0;
  Paths paths = Paths::plain;
  bool norm = false;
  std::vector<FlowSample> samples;

  std::size_t dead() const;
  /// log10 of a quantity of every trial that is not dead.
  std::vector<double> log_dw_ratio() const;      // first / last layer
  std::vector<double> log_stream_ratio() const;  // first / last activation
  std::vector<double> log_first_dw() const;
  std::vector<double> log_first_stream() const;
};

/// The networks compared at one depth d: plain with d layers (the notebook's equal count) and with the 2d + 2 layers
/// that d blocks have, residual, and with batch norm plain (2d + 2 layers), residual and pre-activation.
struct FlowSetting {
  int64_t input_width = 16, width = 16, trials = 1000;
  int64_t examples = 1;  // of networks without batch norm
  int64_t batch = 32;    // of networks with it
};
std::vector<FlowGroup> flow_trials(StudyRun& run, const FlowSetting& setting, const std::vector<int64_t>& depths,
                                   FlowDetail detail);

}  // namespace resnet
