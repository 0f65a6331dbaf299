#include "graph/builder.hpp"

#include "base/error.hpp"

namespace resnet {

Builder::Scope::Scope(Builder& builder, const std::string& prefix)
    : builder_(builder), length_(builder.prefix_.size()) {
  builder_.prefix_ += prefix + ".";
}
Builder::Scope::~Scope() { builder_.prefix_.resize(length_); }

std::string Builder::path(const std::string& name) const { return prefix_ + name; }
std::string Builder::unnamed(const std::string& kind) { return path(kind + "_" + std::to_string(unnamed_++)); }

Value Builder::emit(const std::string& name, Op op, std::vector<Value> inputs) {
  return graph_.add_node(name, std::move(op), std::move(inputs))[0];
}

Value Builder::parameter(const std::string& name, Shape shape, Init init, bool decay) {
  return graph_.add_state(ValueKind::parameter, path(name), shape, init, decay);
}

Value Builder::input(const std::string& name, Shape shape, DType dtype) { return graph_.add_input(name, shape, dtype); }

Value Builder::conv(const std::string& name, Value x, const ConvOptions& options) {
  if (options.groups < 1 || shape(x).c() % options.groups)
    fail("node '", path(name), "': conv: ", shape(x).c(), " input channels do not divide into ", options.groups,
         " groups");
  const Shape weight{options.channels, shape(x).c() / options.groups, options.kernel, options.kernel};
  std::vector<Value> inputs{x, parameter(name + ".weight", weight, options.init, options.decay)};
  if (options.bias) inputs.push_back(parameter(name + ".bias", {options.channels}, Init::zeros, options.decay));
  const Window window = square_window(options.kernel, options.stride, options.padding, options.dilation);
  return emit(path(name), Conv{.window = window, .groups = options.groups, .bias = options.bias}, std::move(inputs));
}

Value Builder::batch_norm(const std::string& name, Value x, const BatchNormOptions& options) {
  const Shape channels{shape(x).c()};
  const std::string at = path(name);
  const Value gamma = parameter(name + ".weight", channels, options.gamma, options.decay);
  const Value beta = parameter(name + ".bias", channels, Init::zeros, options.decay);
  const Value mean = graph_.add_state(ValueKind::statistic, at + ".running_mean", channels, Init::zeros);
  const Value var = graph_.add_state(ValueKind::statistic, at + ".running_var", channels, Init::ones);
  if (mode_ == Mode::inference) return emit(at, BatchNormInference{options.epsilon}, {x, gamma, beta, mean, var});

  const std::vector<Value> y = graph_.add_node(at, BatchNorm{options.epsilon}, {x, gamma, beta});
  const double count = static_cast<double>(shape(x).elements() / shape(x).c());
  const auto track = [&](const char* what, Value running, Value batch, double correction) {
    const UpdateRunning op{options.momentum, correction};
    graph_.add_update(running, graph_.add_node(at + what, op, {running, batch}, Phase::update)[0]);
  };
  track(".running_mean", mean, y[1], 1);
  track(".running_var", var, y[2], count / (count - 1));  // the running variance is the unbiased one
  return y[0];
}

Value Builder::relu(Value x) { return emit(unnamed("relu"), Unary{.kind = UnaryKind::relu}, {x}); }
Value Builder::unary(Value x, Unary op) { return emit(unnamed("unary"), op, {x}); }
Value Builder::add(Value a, Value b) { return emit(unnamed("add"), Binary{.kind = BinaryKind::add}, {a, b}); }
Value Builder::binary(BinaryKind kind, Value a, Value b) {
  return emit(unnamed("binary"), Binary{.kind = kind}, {a, b});
}
Value Builder::scale_channels(Value x, Value scale) { return emit(unnamed("scale"), ScaleChannels{}, {x, scale}); }

Value Builder::random_key() {
  const std::optional<Value> key = graph_.find("random_key");
  return key ? *key : graph_.add_input("random_key", {1}, DType::i64);
}

Value Builder::dropout(Value x, const DropoutOptions& options) {
  if (mode_ == Mode::inference)
    return options.rescale ? x : unary(x, {.kind = UnaryKind::affine, .a = 1 - options.probability});
  const Dropout op{options.probability, options.per_image, options.rescale, ++dropouts_};
  return emit(unnamed("dropout"), op, {x, random_key()});
}

Value Builder::subsample(Value x, int stride, int64_t before, int64_t after) {
  return emit(unnamed("subsample"), Subsample{stride, before, after}, {x});
}

Value Builder::max_pool(Value x, const PoolOptions& options) {
  const Window window = square_window(options.kernel, options.stride, options.padding);
  return emit(unnamed("max_pool"), MaxPool{window, options.ceil_mode}, {x});
}

Value Builder::average_pool(Value x, const PoolOptions& options) {
  const Window window = square_window(options.kernel, options.stride, options.padding);
  return emit(unnamed("average_pool"), AveragePool{window, options.ceil_mode, options.count_include_pad}, {x});
}

Value Builder::global_average_pool(Value x) { return emit(unnamed("global_average_pool"), GlobalAveragePool{}, {x}); }

Value Builder::flatten(Value x) {
  const int64_t images = shape(x).n();
  return emit(unnamed("flatten"), Reshape{{images, shape(x).elements() / images}}, {x});
}

Value Builder::linear(const std::string& name, Value x, const LinearOptions& options) {
  std::vector<Value> inputs{x, parameter(name + ".weight", {options.units, shape(x).c()}, options.init, options.decay)};
  if (options.bias) inputs.push_back(parameter(name + ".bias", {options.units}, options.bias_init, options.decay));
  return emit(path(name), Linear{options.bias}, std::move(inputs));
}

Value Builder::concat(std::vector<Value> parts) { return emit(unnamed("concat"), Concat{}, std::move(parts)); }
Value Builder::slice(Value x, int64_t begin, int64_t end) { return emit(unnamed("slice"), Slice{begin, end}, {x}); }
Value Builder::softmax(Value x) { return emit(unnamed("softmax"), Softmax{}, {x}); }
Value Builder::stop_gradient(Value x) { return emit(unnamed("stop_gradient"), StopGradient{}, {x}); }

Value Builder::cross_entropy(Value logits, float smoothing, bool soft_targets) {
  const Value targets = soft_targets ? graph_.add_input("targets", shape(logits))
                                     : graph_.add_input("labels", {shape(logits).n()}, DType::i32);
  const std::vector<Value> loss = graph_.add_node(path("loss"), CrossEntropy{smoothing}, {logits, targets});
  graph_.add_output("loss", loss[0]);
  graph_.add_output("probabilities", loss[1]);
  return loss[0];
}

}  // namespace resnet
