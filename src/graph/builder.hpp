// Networks are written with a Builder: it names nodes and parameters by scope, as torchvision does, adds the parameters
// an op needs, and knows whether the graph is for training or for inference.
#pragma once

#include "graph/graph.hpp"

#include <string>
#include <utility>
#include <vector>

namespace resnet {

enum class Mode : uint8_t { training, inference };

struct ConvOptions {
  int channels = 0;
  int kernel = 1, stride = 1, padding = 0, dilation = 1, groups = 1;
  bool bias = false;
  Init init = Init::he_normal_fan_out;
  bool decay = true;  // false: weight decay leaves out the parameters of this layer
};
struct BatchNormOptions {
  float epsilon = 1e-5f, momentum = 0.1f;
  Init gamma = Init::ones;  // zeros: the block starts as the identity (Goyal et al. 2017)
  bool decay = true;
};
struct PoolOptions {
  int kernel = 2, stride = 2, padding = 0;
  bool ceil_mode = false, count_include_pad = true;
};
struct LinearOptions {
  int units = 0;
  bool bias = true;
  Init init = Init::uniform_fan_in, bias_init = Init::uniform_fan_in;
  bool decay = true;
};
struct DropoutOptions {
  float probability = 0.5f;
  bool per_image = false;
  bool rescale = true;
};

class Builder {
 public:
  explicit Builder(Mode mode) : mode_(mode) {}

  Value input(const std::string& name, Shape shape, DType dtype = DType::f32);

  // Names are relative to the current scope; [N,C,H,W] in and out unless said otherwise.
  Value conv(const std::string& name, Value x, const ConvOptions& options);
  /// In training also adds the update of the running statistics.
  Value batch_norm(const std::string& name, Value x, const BatchNormOptions& options = {});
  Value relu(Value x);
  Value unary(Value x, Unary op);
  Value add(Value a, Value b);
  Value binary(BinaryKind kind, Value a, Value b);
  Value scale_channels(Value x, Value scale);
  /// The identity in inference (times 1 - probability if not rescaled in training).
  Value dropout(Value x, const DropoutOptions& options);
  Value subsample(Value x, int stride, int64_t before, int64_t after);
  Value max_pool(Value x, const PoolOptions& options);
  Value average_pool(Value x, const PoolOptions& options);
  Value global_average_pool(Value x);                                            // [N,C,H,W] -> [N,C,1,1]
  Value flatten(Value x);                                                        // [N,...] -> [N,C]
  Value linear(const std::string& name, Value x, const LinearOptions& options);  // [N,I] -> [N,units]
  Value concat(std::vector<Value> parts);
  Value slice(Value x, int64_t begin, int64_t end);
  Value softmax(Value x);
  Value stop_gradient(Value x);
  /// Mean loss [1] of logits [N,K] against the input "labels" (i32 [N]) or "targets" (f32 [N,K]); the outputs "loss"
  /// and "probabilities" are added.
  Value cross_entropy(Value logits, float smoothing = 0, bool soft_targets = false);

  /// Everything built until the returned guard ends is named "PREFIX.name".
  class Scope {
   public:
    Scope(Builder& builder, const std::string& prefix);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Builder& builder_;
    std::size_t length_;
  };
  [[nodiscard]] Scope scope(const std::string& prefix) { return Scope(*this, prefix); }

  /// Keeps `value` readable under `name` after a run.
  void observe(const std::string& name, Value value) { graph_.add_output(name, value); }
  const Shape& shape(Value value) const { return graph_[value].shape; }
  Mode mode() const { return mode_; }
  Graph& graph() { return graph_; }
  /// The finished graph.
  Graph take() { return std::move(graph_); }

 private:
  std::string path(const std::string& name) const;
  std::string unnamed(const std::string& kind);
  Value emit(const std::string& name, Op op, std::vector<Value> inputs);
  Value parameter(const std::string& name, Shape shape, Init init, bool decay);
  Value random_key();

  Mode mode_;
  Graph graph_;
  std::string prefix_;
  int unnamed_ = 0;
  uint64_t dropouts_ = 0;
};

}  // namespace resnet
