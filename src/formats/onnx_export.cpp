#include "formats/onnx_export.hpp"

#include "base/error.hpp"
#include "formats/onnx_model.hpp"
#include "formats/onnx_writer.hpp"
#include "graph/op_functions.hpp"
#include "graph/passes.hpp"
#include "models/written_out.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace resnet::onnx {
namespace {

constexpr int64_t ir_version = 8, opset = 17;

std::vector<int64_t> numbers_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// Writes the layers of a network one after the other. An op becomes one node, or a few named "LAYER/PART".
class GraphWriter {
 public:
  GraphWriter(const WrittenOut& network, const Parameters& parameters) : network_(network), parameters_(parameters) {}

  ProtobufWriter write(const ModelInfo& info, const ExportOptions& options) {
    const Preprocessing& seen = info.preprocessing;
    const std::vector<int64_t> planar = {seen.channels, seen.height, seen.width},
                               interleaved = {seen.height, seen.width, seen.channels};
    names_.push_back(options.preprocess ? prepared(seen) : "images");
    for (const WrittenOut::State& state : network_.states) {
      names_.push_back(state.name);
      initializer(state.name, parameters_.at(state.name));
    }
    for (const WrittenOut::Layer& layer : network_.layers) {
      const bool last = static_cast<int>(names_.size()) == network_.logits;
      output_ = last ? "logits" : unique(layer.name);
      std::vector<std::string> inputs;
      for (const int input : layer.inputs) inputs.push_back(names_[static_cast<std::size_t>(input)]);
      with_context("layer '" + layer.name + "'",
                   [&] { std::visit([&](const auto& op) { lower(op, layer, inputs); }, layer.op); });
      names_.push_back(output_);
    }
    if (options.preprocess)
      emit(NodeWriter("Softmax", "probabilities", {"logits"}, "probabilities").integer("axis", 1));
    graph_.bytes(2, info.spec.name.empty() ? "network" : info.spec.name);
    graph_.message(11, port_message("images", options.preprocess ? type_uint8 : type_float,
                                    options.preprocess ? interleaved : planar));
    graph_.message(12, port_message(options.preprocess ? "probabilities" : "logits", type_float, {info.spec.classes}));
    return graph_;
  }

 private:
  void emit(const NodeWriter& node) { graph_.message(1, node.message()); }

  std::string unique(const std::string& name) {
    std::string fresh = name + ".y";
    while (!used_.insert(fresh).second || fresh == "images" || fresh == "logits" || fresh == "probabilities")
      fresh += "_";
    return fresh;
  }
  void initializer(const std::string& name, const Tensor& tensor) {
    const Tensor narrow = tensor.dtype() == DType::f32 ? tensor : convert(tensor, DType::f32);
    graph_.message(5, tensor_message(name, tensor.shape(), type_float, narrow.bytes()));
  }
  std::string integers(const std::string& name, const std::vector<int64_t>& values) {
    const std::string fresh = unique(name);
    graph_.message(
        5, tensor_message(fresh, {static_cast<int64_t>(values.size())}, type_int64, std::as_bytes(std::span(values))));
    return fresh;
  }
  std::string reals(const std::string& name, const std::vector<float>& values, const Shape& shape) {
    const std::string fresh = unique(name);
    graph_.message(5, tensor_message(fresh, shape, type_float, std::as_bytes(std::span(values))));
    return fresh;
  }

  /// y = (x / 255 - mean) / deviation as one product and one sum.
  std::string prepared(const Preprocessing& seen) {
    std::vector<float> factors, offsets;
    for (std::size_t c = 0; c < seen.mean.size(); ++c) {
      factors.push_back(1 / (255 * seen.deviation[c]));
      offsets.push_back(-seen.mean[c] / seen.deviation[c]);
    }
    const Shape channels{1, seen.channels, 1, 1};
    emit(NodeWriter("Transpose", "preprocessing/transpose", {"images"}, "preprocessing.planar")
             .list("perm", {0, 3, 1, 2}));
    emit(NodeWriter("Cast", "preprocessing/cast", {"preprocessing.planar"}, "preprocessing.float")
             .integer("to", type_float));
    emit(NodeWriter("Mul", "preprocessing/scale",
                    {"preprocessing.float", reals("preprocessing.factor", factors, channels)}, "preprocessing.scaled"));
    emit(NodeWriter("Add", "preprocessing/shift",
                    {"preprocessing.scaled", reals("preprocessing.offset", offsets, channels)},
                    "preprocessing.images"));
    return "preprocessing.images";
  }

  using Layer = WrittenOut::Layer;
  using Inputs = std::vector<std::string>;

  NodeWriter node(const char* type, const Layer& layer, const Inputs& inputs) const {
    return {type, layer.name, inputs, output_};
  }
  /// A node before the layer's last one; returns the name of its output.
  template <class Finish>
  std::string part(const char* type, const Layer& layer, const std::string& name, const Inputs& inputs,
                   const Finish& finish) {
    const std::string output = unique(layer.name + "/" + name);
    NodeWriter writer(type, layer.name + "/" + name, inputs, output);
    finish(writer);
    emit(writer);
    return output;
  }

  static NodeWriter windowed(NodeWriter writer, const Window& v, bool with_dilation) {
    writer.list("kernel_shape", {v.kernel_h, v.kernel_w});
    writer.list("strides", {v.stride_h, v.stride_w});
    writer.list("pads", {v.pad_top, v.pad_left, v.pad_bottom, v.pad_right});
    if (with_dilation) writer.list("dilations", {v.dilation_h, v.dilation_w});
    return writer;
  }

  void lower(const Conv& op, const Layer& layer, const Inputs& in) {
    emit(windowed(node("Conv", layer, in), op.window, true).integer("group", op.groups));
  }
  void lower(const BatchNormInference& op, const Layer& layer, const Inputs& in) {
    emit(node("BatchNormalization", layer, in).real("epsilon", op.epsilon));
  }
  void lower(const Unary& op, const Layer& layer, const Inputs& in) {
    switch (op.kind) {
      case UnaryKind::relu: return emit(node("Relu", layer, in));
      case UnaryKind::leaky_relu: return emit(node("LeakyRelu", layer, in).real("alpha", op.a));
      case UnaryKind::sigmoid: return emit(node("Sigmoid", layer, in));
      case UnaryKind::clip:
        return emit(node("Clip", layer,
                         {in[0], reals(layer.name + "/min", {op.a}, {}), reals(layer.name + "/max", {op.b}, {})}));
      case UnaryKind::affine: {
        const Inputs scaled = {in[0], reals(layer.name + "/factor", {op.a}, {})};
        const std::string product = part("Mul", layer, "scale", scaled, [](NodeWriter&) {});
        return emit(node("Add", layer, {product, reals(layer.name + "/offset", {op.b}, {})}));
      }
    }
  }
  void lower(const Binary& op, const Layer& layer, const Inputs& in) {
    constexpr const char* types[] = {"Add", "Sub", "Mul", "Div"};
    emit(node(types[static_cast<std::size_t>(op.kind)], layer, in));
  }
  void lower(const ScaleChannels&, const Layer& layer, const Inputs& in) {
    const Inputs scale = {in[1], integers(layer.name + "/axes", {2, 3})};
    emit(node("Mul", layer, {in[0], part("Unsqueeze", layer, "scale", scale, [](NodeWriter&) {})}));
  }
  void lower(const StopGradient&, const Layer& layer, const Inputs& in) { emit(node("Identity", layer, in)); }
  void lower(const Dropout&, const Layer& layer, const Inputs& in) { emit(node("Identity", layer, in)); }

  /// Extents that grow with the batch are negative; ONNX can infer one of them.
  void lower(const Reshape& op, const Layer& layer, const Inputs& in) {
    std::vector<int64_t> shape = numbers_of(op.shape);
    if (shape.size() == 2 && shape[0] == -1) return emit(node("Flatten", layer, in).integer("axis", 1));
    if (std::ranges::count_if(shape, [](int64_t e) { return e < 0; }) > 1)
      fail_model("two extents depend on the batch");
    for (int64_t& extent : shape) extent = std::max<int64_t>(extent, -1);
    emit(node("Reshape", layer, {in[0], integers(layer.name + "/shape", shape)}));
  }
  void lower(const Concat&, const Layer& layer, const Inputs& in) {
    emit(node("Concat", layer, in).integer("axis", 1));
  }
  void lower(const Slice& op, const Layer& layer, const Inputs& in) {
    emit(node("Slice", layer,
              {in[0], integers(layer.name + "/starts", {op.begin}), integers(layer.name + "/ends", {op.end}),
               integers(layer.name + "/axes", {1})}));
  }
  /// Every stride-th pixel is a pooling of single pixels, which every reader of ONNX has.
  void lower(const Subsample& op, const Layer& layer, const Inputs& in) {
    const bool widens = op.before + op.after > 0;
    const Window window = square_window(1, op.stride);
    if (!widens) return emit(windowed(node("MaxPool", layer, in), window, false));
    const std::string taken = op.stride == 1 ? in[0] : part("MaxPool", layer, "pixels", in, [&](NodeWriter& writer) {
      writer = windowed(std::move(writer), window, false);
    });
    emit(node("Pad", layer, {taken, integers(layer.name + "/pads", {0, op.before, 0, 0, 0, op.after, 0, 0})}));
  }
  void lower(const Transpose& op, const Layer& layer, const Inputs& in) {
    emit(node("Transpose", layer, in).list("perm", numbers_of(op.order)));
  }
  void lower(const Broadcast& op, const Layer& layer, const Inputs& in) {
    std::vector<int64_t> shape = numbers_of(op.shape);
    for (int64_t& extent : shape) extent = std::max<int64_t>(extent, 1);  // 1 keeps what is there
    emit(node("Expand", layer, {in[0], integers(layer.name + "/shape", shape)}));
  }
  void lower(const Reduce& op, const Layer& layer, const Inputs& in) {
    std::vector<int64_t> axes;
    for (int axis = 0; axis < op.shape.rank(); ++axis)
      if (op.shape[axis] == 1) axes.push_back(axis);
    if (op.mean) return emit(node("ReduceMean", layer, in).list("axes", axes).integer("keepdims", 1));
    emit(node("ReduceSum", layer, {in[0], integers(layer.name + "/axes", axes)}).integer("keepdims", 1));
  }
  void lower(const StridedSlice& op, const Layer& layer, const Inputs& in) {
    std::vector<int64_t> starts, ends, axes, steps;
    for (int axis = 0; axis < op.shape.rank(); ++axis) {
      if (op.shape[axis] < 0) continue;  // the batch is taken whole
      const int64_t end = op.begin[axis] + op.shape[axis] * op.step[axis];
      starts.push_back(op.begin[axis]);
      ends.push_back(end < 0 ? -(int64_t{1} << 31) : end);
      axes.push_back(axis);
      steps.push_back(op.step[axis]);
    }
    emit(node("Slice", layer,
              {in[0], integers(layer.name + "/starts", starts), integers(layer.name + "/ends", ends),
               integers(layer.name + "/axes", axes), integers(layer.name + "/steps", steps)}));
  }
  void lower(const MaxPool& op, const Layer& layer, const Inputs& in) {
    emit(windowed(node("MaxPool", layer, in), op.window, true).integer("ceil_mode", op.ceil_mode));
  }
  void lower(const AveragePool& op, const Layer& layer, const Inputs& in) {
    if (op.window.dilation_h != 1 || op.window.dilation_w != 1)
      fail_model("average pooling with dilation needs opset 19");
    emit(windowed(node("AveragePool", layer, in), op.window, false)
             .integer("ceil_mode", op.ceil_mode)
             .integer("count_include_pad", op.count_include_pad));
  }
  void lower(const GlobalAveragePool&, const Layer& layer, const Inputs& in) {
    emit(node("GlobalAveragePool", layer, in));
  }
  void lower(const Linear&, const Layer& layer, const Inputs& in) {
    emit(node("Gemm", layer, in).integer("transB", 1));
  }
  void lower(const MatMul&, const Layer& layer, const Inputs& in) { emit(node("MatMul", layer, in)); }
  void lower(const Softmax& op, const Layer& layer, const Inputs& in) {
    emit(node(op.log ? "LogSoftmax" : "Softmax", layer, in).integer("axis", 1));
  }
  template <class Other>
  void lower(const Other& op, const Layer&, const Inputs&) {
    fail_model("the op ", name_of(op), " has no counterpart in ONNX's opset 17");
  }

  const WrittenOut& network_;
  const Parameters& parameters_;
  ProtobufWriter graph_;
  std::vector<std::string> names_;  // by the numbers of the network's values
  std::set<std::string> used_;
  std::string output_;
};

void add_metadata(ProtobufWriter& model, const std::string& key, const std::string& value) {
  ProtobufWriter entry;
  entry.bytes(1, key);
  entry.bytes(2, value);
  model.message(14, entry);
}

}  // namespace

std::string export_network(const ModelInfo& info, const State& state, const ExportOptions& options) {
  Parameters parameters;
  const auto build = [&](int64_t batch) {
    Graph graph = forward_graph(info.spec, batch, Mode::inference);
    parameters = state.tensors();
    if (!options.fold) return graph;
    auto [folded, changed] = fold_batch_norm(graph, state.tensors());
    parameters = std::move(changed);
    return folded;
  };
  const WrittenOut network = write_out(build);
  ProtobufWriter model, version;
  model.integer(1, ir_version);
  model.bytes(2, "resnet");
  model.message(7, GraphWriter(network, parameters).write(info, options));
  version.integer(2, opset);
  model.message(8, version);
  add_metadata(model, "classes",
               nlohmann::json(info.classes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  add_metadata(model, "preprocessing", to_json_text(info.preprocessing));
  return model.text();
}

}  // namespace resnet::onnx
