// How ONNX nodes become nodes of a graph: the state of one import, and the operators in groups, a file each. Every
// shape is known while a node is imported, so chains of Shape, Gather, Concat and the like fold to constants at once.
#pragma once

#include "formats/onnx_import.hpp"
#include "formats/onnx_model.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace resnet::onnx {

/// What a name stands for: a tensor known now, or a value of the graph (always f32).
struct Operand {
  std::shared_ptr<const Tensor> constant = {};
  Value value = {};
  std::string name = {};  // of the file
};

class Importer {
 public:
  Importer(const Model& model, const ImportOptions& options) : model_(model), options_(options) {}

  ImportedGraph run(const std::map<std::string, Shape>& input_shapes);

  using Handler = void (Importer::*)(const Node&);
  static const std::map<std::string, Handler, std::less<>>& handlers();

 private:
  void import(const Node& node);

  // --- operands and attributes ---
  bool has(const Node& node, std::size_t index) const {
    return index < node.inputs.size() && !node.inputs[index].empty();
  }
  /// Error (bad model): the node has no such input.
  const Operand& operand(const Node& node, std::size_t index) const;
  Shape shape_of(const Operand& operand) const;
  const Shape& shape(Value value) const { return result_.graph[value].shape; }
  /// The input as a value of the graph; a constant becomes a state that training leaves as it is.
  Value value(const Node& node, std::size_t index) { return value_of(operand(node, index), ValueKind::statistic); }
  Value value_of(const Operand& operand, ValueKind kind);
  /// A weight: a parameter if it is a constant.
  Value weight(const Node& node, std::size_t index) { return value_of(operand(node, index), ValueKind::parameter); }
  /// A parameter under the operand's name whose numbers were changed (a transposed weight); made once
  /// for each `change`.
  Value changed_parameter(const Operand& operand, const std::string& change, const Shape& shape,
                          const std::function<Tensor()>& make, ValueKind kind = ValueKind::parameter);
  const Tensor& constant(const Node& node, std::size_t index, const char* what) const;
  std::vector<int64_t> integers(const Node& node, std::size_t index, const char* what) const;
  static const Attribute* find(const Node& node, std::string_view name);
  static int64_t integer(const Node& node, std::string_view name, int64_t otherwise);
  static float real(const Node& node, std::string_view name, float otherwise);
  static std::string text(const Node& node, std::string_view name, const std::string& otherwise);
  static std::vector<int64_t> list(const Node& node, std::string_view name, std::vector<int64_t> otherwise);
  /// From an attribute, or since `since` from an input; none if it is in neither place.
  std::optional<std::vector<int64_t>> axes(const Node& node, int64_t since, std::size_t input) const;
  /// In 0 .. rank - 1. Error (bad model): outside.
  static int axis(int64_t axis, int rank);

  // --- results ---
  Value emit(const Node& node, Op op, std::vector<Value> inputs, const char* part = "");
  void define(const Node& node, Value value);
  void define(const Node& node, Tensor tensor);
  /// A reshape that takes back the one before it is what that one had.
  Value reshaped(const Node& node, Value x, const Shape& shape, const char* part = ".reshape");
  Value transposed(const Node& node, Value x, const std::vector<int>& order, const char* part = ".transpose");
  Value broadcast(const Node& node, Value x, const Shape& shape, const char* part);
  std::string state_name(const std::string& name);

  // --- onnx_pointwise.cpp ---
  void relu(const Node& node);
  void leaky_relu(const Node& node);
  void sigmoid(const Node& node);
  void clip(const Node& node);
  void add(const Node& node) { binary(node, BinaryKind::add); }
  void subtract(const Node& node) { binary(node, BinaryKind::subtract); }
  void multiply(const Node& node) { binary(node, BinaryKind::multiply); }
  void divide(const Node& node) { binary(node, BinaryKind::divide); }
  void sum(const Node& node);
  void softmax(const Node& node) { softmax_over(node, false); }
  void log_softmax(const Node& node) { softmax_over(node, true); }
  void dropout(const Node& node);
  void identity(const Node& node);
  void cast(const Node& node);
  void binary(const Node& node, BinaryKind kind);
  bool binary_with_number(const Node& node, BinaryKind kind);
  Value combined(const Node& node, BinaryKind kind, Value a, Value b, const std::string& part);
  void softmax_over(const Node& node, bool log);

  // --- onnx_layers.cpp ---
  void conv(const Node& node);
  void batch_normalization(const Node& node);
  void max_pool(const Node& node);
  void average_pool(const Node& node);
  void global_average_pool(const Node& node);
  void global_max_pool(const Node& node);
  void gemm(const Node& node);
  void matmul(const Node& node);
  void reduce_mean(const Node& node) { reduce(node, true, 18); }
  void reduce_sum(const Node& node) { reduce(node, false, 13); }
  void reduce(const Node& node, bool mean, int64_t axes_are_input_since);
  Window window_of(const Node& node, const Shape& image, std::vector<int64_t> kernel) const;
  Value as_image(const Node& node, Value x);
  void define_like(const Node& node, Value image, int rank);

  // --- onnx_constants.cpp ---
  void constant_node(const Node& node);
  void constant_of_shape(const Node& node);
  void shape_node(const Node& node);

  // --- onnx_picks.cpp ---
  void gather(const Node& node);
  void pad(const Node& node);
  Value picked(const Node& node, Value x, int axis, const std::vector<int64_t>& indices, const std::string& part);
  Value filled_around(const Node& node, Value x, const Shape& before, const Shape& wanted, double number);

  // --- onnx_shapes.cpp ---
  void reshape(const Node& node);
  void flatten(const Node& node);
  void squeeze(const Node& node);
  void unsqueeze(const Node& node);
  void transpose(const Node& node);
  void concat(const Node& node);
  void expand(const Node& node);
  void slice(const Node& node);
  void define_reshaped(const Node& node, const Shape& shape);

  const Model& model_;
  const ImportOptions& options_;
  ImportedGraph result_;
  std::map<std::string, Operand> operands_;
  std::map<std::string, Value> states_;  // of constants that became state, by the file's name
  std::set<std::string> names_;          // of all state
  uint64_t folded_bytes_ = 0;            // of constants that were computed here
};

/// The numbers of an integer tensor. Error (bad model): it is not one.
std::vector<int64_t> integers_of(const Tensor& tensor, const char* what);
Tensor tensor_of(const std::vector<int64_t>& numbers);

/// Extents of two shapes repeated against each other, NumPy's rule. Error (bad model): they cannot be.
Shape broadcast_shape(const Shape& a, const Shape& b);

}  // namespace resnet::onnx
