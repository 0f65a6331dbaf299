// An ONNX file as it stands: nodes, initializers, inputs and outputs under names. What the operators mean is the
// importer's business (formats/onnx_import.hpp).
#pragma once

#include "base/files.hpp"
#include "base/tensor.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resnet::onnx {

/// Numbers of the format's element types.
enum : int32_t {
  type_float = 1,
  type_uint8 = 2,
  type_int8 = 3,
  type_int32 = 6,
  type_int64 = 7,
  type_bool = 9,
  type_float16 = 10,
  type_double = 11,
  type_bfloat16 = 16
};

struct Attribute {
  std::string name;
  int64_t type = 0;  // 1 float, 2 int, 3 string, 4 tensor, 6 floats, 7 ints; others are kept by number only
  float real = 0;
  int64_t integer = 0;
  std::string text = {};
  std::optional<Tensor> tensor = {};
  std::vector<float> reals = {};
  std::vector<int64_t> integers = {};
};

struct Node {
  std::string name, type, domain;
  std::vector<std::string> inputs, outputs;  // "" where an optional one is left out
  std::vector<Attribute> attributes;
};

/// An input or output; extents that are names or absent are -1.
struct Port {
  std::string name;
  int32_t element_type = 0;
  bool has_shape = false;
  std::vector<int64_t> extents = {};
};

struct Model {
  int64_t ir_version = 0, opset = 0;  // of the default domain
  std::string producer = {};
  std::vector<Node> nodes = {};
  std::map<std::string, Tensor> initializers = {};  // f32, f64, i64, i32 or u8; narrower types are widened
  std::vector<Port> inputs = {}, outputs = {};      // inputs that are initializers are left out
  std::map<std::string, std::string> metadata = {};
};

/// What a reader accepts at most.
struct Limits {
  uint64_t bytes = uint64_t{2} << 30;  // protobuf's own limit
  std::size_t nodes = 20'000, initializers = 1 << 16;
};

/// Error (bad model): no ONNX file, truncated, above a limit, tensors in other files, of an unknown type, with negative
/// extents or other sizes than their bytes, names that occur twice, nodes in a cycle or before what they read.
Model parse(std::string_view bytes, const Limits& limits = {});

/// One serialized TensorProto, as the test suites of ONNX store inputs and outputs.
Tensor parse_tensor(std::string_view bytes);

/// "node 'conv1' (Conv)" for messages.
std::string name_of(const Node& node);

}  // namespace resnet::onnx
