// Runs a network forward and backward on batches without changing it, and measures.
#pragma once

#include "models/model.hpp"
#include "models/watch.hpp"
#include "runtime/executable.hpp"
#include "train/health/health.hpp"
#include "train/recipe.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace resnet {

/// The training step up to the gradients, in single precision, with everything alive that is looked at.
class HealthProbe {
 public:
  /// Adds what `state` lacks of the network's weights, started from `seed`; nothing of it changes afterwards. Uses of
  /// the recipe: label smoothing, what is frozen, the weight decay and each stage's part of the rate.
  HealthProbe(const ModelSpec& spec, const Recipe& recipe, State& state, uint64_t seed, int64_t batch,
              const CompileOptions& options);
  ~HealthProbe();

  int64_t batch() const { return batch_; }
  /// Forgets all batches.
  void clear();
  /// images [batch,C,H,W] f32, labels [batch] i32. Returns the loss.
  double add(const Tensor& images, const Tensor& labels);
  /// A batch of images on the line from the first to the second image of `images`, all with the first one's label:
  /// measures how much the gradients of neighbours have in common, and nothing else.
  void add_path(const Tensor& images, const Tensor& labels);
  /// The loss of the last batch after one step of plain gradient descent at `rate` along its own gradient; the weights
  /// are put back.
  double loss_after_step(const Tensor& images, const Tensor& labels, double rate);
  /// Of all batches so far, at a learning rate.
  NetworkHealth health(double rate) const;

 private:
  struct Sums;

  void find_running(const Graph& graph);
  void find_layers(const Graph& forward);
  void find_norms(const Graph& forward);
  void find_relus(const Graph& forward);
  void find_sigmoids(const Graph& forward);
  void observe();
  void compile_graph(const CompileOptions& options);
  void see(Value value);
  Tensor value(Value value) const;
  std::optional<Tensor> gradient(Value value) const;
  void run(const Tensor& images, const Tensor& labels);
  void add_layers();
  void add_norms();
  void add_blocks();
  void add_parameters();
  void add_input(const Tensor& pixels);
  void add_output(const Tensor& labels);
  double batches() const;
  double rate_scale(const std::string& parameter) const;
  ParameterHealth parameter_health(std::size_t index) const;
  LayerHealth layer_health(std::size_t index, double rate) const;
  NormHealth norm_health(std::size_t index) const;
  InputHealth input_health() const;
  OutputHealth output_health() const;

  struct Norm {
    std::string name, gamma, beta, running_mean, running_var;
    Value mean, var;
    float epsilon = 0;
    bool relu = false;
    int64_t place = 0;
  };
  struct Relu {
    std::string name;
    Value output;
    std::size_t layer;  // index, or the number of layers
    int64_t place;
  };
  struct Sigmoid {
    std::string name;
    Value output;
    int64_t place;
  };

  Recipe recipe_;
  State& state_;
  uint64_t seed_;
  int64_t batch_;
  std::size_t classes_ = 0;
  bool random_ = false;
  std::set<std::string> frozen_;
  std::map<std::string, float> rate_scales_;
  std::map<std::string, std::pair<std::string, std::string>> running_;  // statistics of each batch norm, by its name
  WatchedGraph watched_;
  std::vector<Norm> norms_;
  std::vector<Relu> relus_;
  std::vector<Sigmoid> sigmoids_;
  std::vector<Value> parameters_;
  std::vector<Value> raw_;    // what each layer computes, before batch norm and ReLU
  std::vector<char> normed_;  // whether a batch norm reads it
  std::vector<int64_t> places_;
  std::map<Value, Value> gradients_;
  std::unique_ptr<Executable> program_;
  std::unique_ptr<Sums> sums_;
};

}  // namespace resnet
