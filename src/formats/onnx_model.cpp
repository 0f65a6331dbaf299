#include "formats/onnx_model.hpp"

#include "base/error.hpp"
#include "formats/half.hpp"
#include "formats/protobuf.hpp"
#include "models/excerpt.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace resnet::onnx {
namespace {

/// The members of a TensorProto, of which one holds the numbers.
struct StoredTensor {
  std::string name;
  std::vector<int64_t> extents;
  int64_t type = 0;
  std::string_view raw;
  bool has_raw = false, external = false;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<int64_t> integers;  // of int32_data and int64_data
};

StoredTensor read_tensor(std::string_view message) {
  StoredTensor tensor;
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) switch (field.number) {
      case 1: append_integers(field, tensor.extents); break;
      case 2: tensor.type = integer_of(field); break;
      case 4: append_fixed(field, tensor.floats); break;
      case 5:
      case 7: append_integers(field, tensor.integers); break;
      case 8: tensor.name = std::string(bytes_of(field)); break;
      case 9:
        tensor.raw = bytes_of(field);
        tensor.has_raw = true;
        break;
      case 10: append_fixed(field, tensor.doubles); break;
      case 14: tensor.external = integer_of(field) != 0; break;
      default: break;
    }
  return tensor;
}

Shape shape_of(const StoredTensor& stored) {
  if (stored.extents.size() > Shape::max_rank)
    fail_model("rank ", stored.extents.size(), " is above ", int{Shape::max_rank});
  Shape shape;
  int64_t elements = 1;
  for (const int64_t extent : stored.extents) {
    if (extent < 0) fail_model("has the negative extent ", extent);
    if (extent > 0 && elements > std::numeric_limits<int64_t>::max() / 8 / extent) fail_model("its shape overflows");
    elements *= extent;
    shape.append(extent);
  }
  return shape;
}

/// The numbers, from raw bytes of type `Stored` or from the typed list.
template <class Stored, class To, class List, class Convert>
Tensor converted(const StoredTensor& stored, const Shape& shape, const std::vector<List>& list, Convert convert) {
  const auto elements = static_cast<uint64_t>(shape.elements());
  const bool fits = stored.has_raw ? stored.raw.size() == elements * sizeof(Stored) : list.size() == elements;
  if (!fits)
    fail_model(shape, " needs ", elements, " numbers, it has ",
               stored.has_raw ? stored.raw.size() / sizeof(Stored) : list.size());
  Tensor tensor(shape, dtype_of<To>);
  std::span<To> out = tensor.data<To>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    if (stored.has_raw)
      std::memcpy(&value, stored.raw.data() + i * sizeof value, sizeof value);
    else
      value = static_cast<Stored>(list[i]);
    out[i] = convert(value);
  }
  return tensor;
}

template <class Stored, class To = Stored, class List>
Tensor converted(const StoredTensor& stored, const Shape& shape, const std::vector<List>& list) {
  return converted<Stored, To>(stored, shape, list, [](Stored value) { return static_cast<To>(value); });
}

Tensor tensor_of(const StoredTensor& stored) {
  if (stored.external) fail_model("its numbers lie in another file, which is not supported; store them inside");
  const Shape shape = shape_of(stored);
  switch (stored.type) {
    case type_float: return converted<float>(stored, shape, stored.floats);
    case type_double: return converted<double>(stored, shape, stored.doubles);
    case type_int64: return converted<int64_t>(stored, shape, stored.integers);
    case type_int32: return converted<int32_t>(stored, shape, stored.integers);
    case type_uint8:
    case type_bool: return converted<uint8_t>(stored, shape, stored.integers);
    case type_int8: return converted<int8_t, int32_t>(stored, shape, stored.integers);
    case type_float16: return converted<uint16_t, float>(stored, shape, stored.integers, float_from_f16);
    case type_bfloat16: return converted<uint16_t, float>(stored, shape, stored.integers, float_from_bf16);
    default: fail_model("has elements of type ", stored.type, ", which is not supported");
  }
}

Tensor named_tensor(const StoredTensor& stored) {
  return with_context("tensor '" + excerpt(stored.name) + "'", [&] { return tensor_of(stored); });
}

Attribute read_attribute(std::string_view message) {
  Attribute attribute;
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) switch (field.number) {
      case 1: attribute.name = std::string(bytes_of(field)); break;
      case 2: attribute.real = float_of(field); break;
      case 3: attribute.integer = integer_of(field); break;
      case 4: attribute.text = std::string(bytes_of(field)); break;
      case 5: attribute.tensor = named_tensor(read_tensor(bytes_of(field))); break;
      case 7: append_fixed(field, attribute.reals); break;
      case 8: append_integers(field, attribute.integers); break;
      case 20: attribute.type = integer_of(field); break;
      default: break;
    }
  return attribute;
}

Node read_node(std::string_view message) {
  Node node;
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) switch (field.number) {
      case 1: node.inputs.emplace_back(bytes_of(field)); break;
      case 2: node.outputs.emplace_back(bytes_of(field)); break;
      case 3: node.name = std::string(bytes_of(field)); break;
      case 4: node.type = std::string(bytes_of(field)); break;
      case 5: node.attributes.push_back(read_attribute(bytes_of(field))); break;
      case 7: node.domain = std::string(bytes_of(field)); break;
      default: break;
    }
  return node;
}

/// TensorShapeProto: dimensions of which a number is known, or a name, or nothing.
void read_shape(std::string_view message, Port& port) {
  port.has_shape = true;
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) {
    if (field.number != 1) continue;
    int64_t extent = -1;
    ProtobufReader dimension(bytes_of(field));
    for (ProtobufField item; dimension.next(item);)
      if (item.number == 1) {
        extent = integer_of(item);
        if (extent < 0) fail_model("'", excerpt(port.name), "' has the negative extent ", extent);
      }
    port.extents.push_back(extent);
    if (port.extents.size() > 64) fail_model("'", excerpt(port.name), "' has more than 64 axes");
  }
}

Port read_port(std::string_view message) {
  Port port;
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) {
    if (field.number == 1) port.name = std::string(bytes_of(field));
    if (field.number != 2) continue;
    ProtobufReader type(bytes_of(field));
    for (ProtobufField kind; type.next(kind);) {
      if (kind.number != 1) continue;  // sequences, maps and the like keep element type 0
      ProtobufReader tensor(bytes_of(kind));
      for (ProtobufField item; tensor.next(item);) {
        if (item.number == 1) port.element_type = static_cast<int32_t>(integer_of(item));
        if (item.number == 2) read_shape(bytes_of(item), port);
      }
    }
  }
  return port;
}

void read_graph(std::string_view message, Model& model, const Limits& limits) {
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) switch (field.number) {
      case 1:
        if (model.nodes.size() >= limits.nodes) fail_model("more nodes than the limit of ", limits.nodes);
        model.nodes.push_back(read_node(bytes_of(field)));
        break;
      case 5: {
        if (model.initializers.size() >= limits.initializers)
          fail_model("more initializers than the limit of ", limits.initializers);
        const StoredTensor stored = read_tensor(bytes_of(field));
        if (!model.initializers.emplace(stored.name, named_tensor(stored)).second)
          fail_model("the initializer '", excerpt(stored.name), "' is there twice");
        break;
      }
      case 11: model.inputs.push_back(read_port(bytes_of(field))); break;
      case 12: model.outputs.push_back(read_port(bytes_of(field))); break;
      case 15: fail_model("sparse initializers are not supported");
      default: break;
    }
}

void read_opset(std::string_view message, Model& model) {
  std::string domain;
  int64_t version = 0;
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) {
    if (field.number == 1) domain = std::string(bytes_of(field));
    if (field.number == 2) version = integer_of(field);
  }
  if (domain.empty() || domain == "ai.onnx") model.opset = version;
}

void read_metadata(std::string_view message, Model& model) {
  std::string key, value;
  ProtobufReader reader(message);
  for (ProtobufField field; reader.next(field);) {
    if (field.number == 1) key = std::string(bytes_of(field));
    if (field.number == 2) value = std::string(bytes_of(field));
  }
  model.metadata[key] = value;
}

/// Nodes must come after what they read (the format demands it), which leaves no room for cycles.
void expect_order(const Model& model) {
  std::set<std::string> known;
  const auto define = [&](const std::string& name, const std::string& by) {
    if (!known.insert(name).second) fail_model("'", excerpt(name), "' is defined twice, the second time by ", by);
  };
  for (const auto& [name, tensor] : model.initializers) define(name, "an initializer");
  for (const Port& port : model.inputs) define(port.name, "an input");
  for (const Node& node : model.nodes) {
    for (const std::string& input : node.inputs)
      if (!input.empty() && !known.contains(input))
        fail_model(name_of(node), " reads '", excerpt(input), "' before anything computes it: a cycle, or a lost node");
    for (const std::string& output : node.outputs)
      if (!output.empty()) define(output, name_of(node));
  }
  for (const Port& port : model.outputs)
    if (!known.contains(port.name)) fail_model("the output '", excerpt(port.name), "' is computed by no node");
}

}  // namespace

std::string name_of(const Node& node) {
  const std::string name = node.name.empty() && !node.outputs.empty() ? node.outputs.front() : node.name;
  return text_of("node '", excerpt(name), "' (", excerpt(node.type), ")");
}

Tensor parse_tensor(std::string_view bytes) { return named_tensor(read_tensor(bytes)); }

Model parse(std::string_view bytes, const Limits& limits) {
  if (bytes.size() > limits.bytes) fail_model(bytes.size(), " bytes are above the limit of ", limits.bytes);
  Model model;
  bool has_graph = false;
  ProtobufReader reader(bytes);
  for (ProtobufField field; reader.next(field);) switch (field.number) {
      case 1: model.ir_version = integer_of(field); break;
      case 2: model.producer = std::string(bytes_of(field)); break;
      case 7:
        if (has_graph) fail_model("two graphs");
        has_graph = true;
        read_graph(bytes_of(field), model, limits);
        break;
      case 8: read_opset(bytes_of(field), model); break;
      case 14: read_metadata(bytes_of(field), model); break;
      default: break;
    }
  if (!has_graph || model.ir_version == 0) fail_model("no ONNX file: it has no graph or no version");
  std::erase_if(model.inputs, [&](const Port& port) { return model.initializers.contains(port.name); });
  expect_order(model);
  return model;
}

}  // namespace resnet::onnx
